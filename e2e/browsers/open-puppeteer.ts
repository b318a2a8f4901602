import puppeteer, { type Browser } from 'puppeteer-core'
// @ts-expect-error a script without types
import { browserArgs } from '../../scripts/find-browser.mjs'
import type { BrowserDriver } from './browser-driver.ts'

/** Chromium by its own protocol, Firefox by WebDriver BiDi. */
export async function openPuppeteer(browser: 'chrome' | 'firefox', executablePath: string): Promise<BrowserDriver> {
  const opened: Browser = await puppeteer.launch({
    browser,
    executablePath,
    headless: true,
    args: browser === 'chrome' ? browserArgs : [],
    protocolTimeout: 240_000,
  })
  const page = await opened.newPage()
  return {
    name: await opened.version(),
    async goto(url) {
      await page.goto(url)
    },
    evaluate: (expression) => page.evaluate(expression),
    close: () => opened.close(),
  }
}
