import { readFileSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../../scripts/find-browser.mjs'

/** A headless Chromium, as the tests have it. */
export const openBenchBrowser = (args: readonly string[] = []): Promise<Browser> =>
  chromium.launch({ executablePath: findBrowser(), args: [...browserArgs, ...args] })

export const softwareAdapter = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

/** What a page says on its console when something is wrong. */
export function printErrors(page: Page, print: (line: string) => void): void {
  page.on('pageerror', (error) => print(`page: ${error.message}`))
}

/** Bytes of memory that the browser's pages have resident; undefined where the system does not say. */
export async function residentBytes(browser: Browser): Promise<number | undefined> {
  const session = await browser.newBrowserCDPSession()
  try {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo')
    const renderers = processInfo.filter(({ type }) => type === 'renderer')
    return renderers
      .map(({ id }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]) * 1024)
      .reduce((sum, bytes) => sum + bytes, 0)
  } catch {
    return undefined
  } finally {
    await session.detach()
  }
}
