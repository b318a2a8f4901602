import type { Browser } from 'playwright'
import type { GenerateInput } from '../../src/index.ts'
import type { ClientTexts } from '../pages/generate-client.ts'
import type { TextWriter, WriterOptions } from '../pages/text-writer.ts'
import { printErrors } from '../support/bench-browser.ts'

declare const textWriter: TextWriter
declare const clientTexts: ClientTexts

/** A hundred answers on a software adapter take their time. */
const timeoutMs = 3_600_000

/** So many answers are written between two lines that say how far it is. */
const inputsAtOnce = 5

/** What `client.generate` of the built library writes in a browser, greedy. */
export async function textsInBrowser(
  browser: Browser,
  origin: string,
  options: Pick<WriterOptions, 'model' | 'backend'>,
  inputs: readonly GenerateInput[],
  maxTokens: number,
  print: (line: string) => void,
): Promise<readonly string[]> {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.setDefaultTimeout(timeoutMs)
  printErrors(page, print)
  await page.goto(`${origin}/generate-client.html`)
  await page.waitForFunction(() => 'clientTexts' in globalThis)
  await page.evaluate((given) => textWriter.open(given), { ...options, precision: 'q8' as const, threads: 1 })
  const written: string[] = []
  for (let start = 0; start < inputs.length; start += inputsAtOnce) {
    const few = inputs.slice(start, start + inputsAtOnce)
    written.push(...(await page.evaluate(([given, count]) => clientTexts(given, count), [few, maxTokens] as const)))
    print(`  ${options.model}, ${options.backend}: ${written.length} of ${inputs.length} answers written`)
  }
  await context.close()
  return written
}
