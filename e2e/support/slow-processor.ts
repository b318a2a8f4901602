import type { Browser } from '@playwright/test'

const cycleMs = 100

/**
 * Makes the page's processor `times` slower, workers and all: the renderer's processes are stopped for all but a
 * share of each 100 ms. (The debugger's own throttling reaches the page's thread only, never its workers.)
 *
 * @returns gives the processor back
 */
export async function slowProcessor(browser: Browser, times: number): Promise<() => void> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const ids = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => id)
  const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
    for (const id of ids) {
      try {
        process.kill(id, name)
      } catch {
        // It ended meanwhile.
      }
    }
  }
  let timer: ReturnType<typeof setTimeout>
  const stop = () => {
    signal('SIGSTOP')
    timer = setTimeout(go, cycleMs * (1 - 1 / times))
  }
  const go = () => {
    signal('SIGCONT')
    timer = setTimeout(stop, cycleMs / times)
  }
  go()
  return () => {
    clearTimeout(timer)
    signal('SIGCONT')
  }
}
