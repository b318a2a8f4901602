import type { Browser, Page } from 'playwright'
import type { GivenPrompt, TextWriter, WriteOptions, Written } from '../pages/text-writer.ts'
import { printErrors } from '../support/bench-browser.ts'
import { type ArmName, arms } from './arms.ts'

declare const textWriter: TextWriter

/** Opening reads 170 MB and compiles them; on a busy machine that takes its time. */
const openTimeoutMs = 600_000

/** A contender's page, with its model open. */
export async function openWriter(
  browser: Browser,
  origin: string,
  name: ArmName,
  threads: number,
  print: (line: string) => void,
): Promise<Page> {
  const { page: path, model, precision } = arms[name]
  // Transformers.js and wllama make addresses of their own, which our policy would not let them load.
  const context = await browser.newContext({ bypassCSP: true })
  const page = await context.newPage()
  page.setDefaultTimeout(openTimeoutMs)
  printErrors(page, print)
  await page.goto(`${origin}/${path}.html`)
  await page.waitForFunction(() => 'textWriter' in globalThis)
  await page.evaluate((options) => textWriter.open(options), { model, precision, threads })
  return page
}

/** Has a page write. */
export const write = (page: Page, prompt: GivenPrompt, tokens: number, options: WriteOptions = {}): Promise<Written> =>
  page.evaluate(([given, count, how]) => textWriter.write(given, count, how), [prompt, tokens, options] as const)

export const memoryOf = (page: Page): Promise<number> => page.evaluate(() => textWriter.memory())
