import type { Browser } from '@playwright/test'
import { sleep } from '../../src/utils/sleep.ts'

/** Stops every page of the browser, workers and all, for a while: what a sleeping laptop or a frozen tab does. */
export async function freezeRenderers(browser: Browser, ms: number): Promise<void> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const ids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
  for (const id of ids) process.kill(id, 'SIGSTOP')
  try {
    await sleep(ms)
  } finally {
    for (const id of ids) process.kill(id, 'SIGCONT')
  }
}
