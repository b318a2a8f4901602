import lighthouse from 'lighthouse'
import puppeteer, { type Browser } from 'puppeteer-core'
import { startApp } from '../e2e/support/start-app.ts'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../scripts/find-browser.mjs'
import type { Bench } from './support/bench.ts'

const categories = ['performance', 'accessibility', 'best-practices'] as const
/** A task on the main thread that is longer than this can be felt. */
const longTaskMs = 50
const slowdown = 4
const card = 'hither-app >>> digit-card'
const pollMs = 100
/** How each is printed: the longest task of each run, and how many were too long. */
const phases = [
  ['start', `longest at start, ${slowdown}x slower`],
  ['model', `longest with a model, ${slowdown}x`],
] as const

/**
 * The built home page, as `npm start` serves it: Lighthouse's mobile preset, and the longest task on the main thread
 * while the page starts and while a model loads and runs, with the page's processor slowed four times. Each is measured
 * `--runs` times, default 3. Needs a machine that does nothing else.
 */
export const bench: Bench = async (flags, print) => {
  const runs = Number(flags.value('runs') ?? 3)
  const app = await startApp()
  const url = `${app.origin}/`
  const browser = await puppeteer.launch({ executablePath: findBrowser(), args: browserArgs, headless: true })
  try {
    const scores: Record<string, number[]> = {}
    for (let run = 0; run < runs; run += 1) {
      for (const [name, value] of Object.entries(await runLighthouse(browser, url))) {
        scores[name] ??= []
        scores[name].push(value)
      }
    }
    for (const [name, values] of Object.entries(scores)) print(`${name.padEnd(28)} ${values.join(', ')}`)
    const tasks: LongTasks[] = []
    for (let run = 0; run < runs; run += 1) tasks.push(await longTasks(browser, url))
    for (const [phase, says] of phases) {
      const longest = tasks.map((each) => Math.max(0, ...each[phase]).toFixed(0))
      const counts = tasks.map((each) => each[phase].length)
      print(`${says.padEnd(28)} ${longest.join(', ')} ms; over ${longTaskMs} ms: ${counts.join(', ')}`)
    }
    return { scores, longTasksMs: tasks }
  } finally {
    await browser.close()
    await app.close()
  }
}

async function runLighthouse(browser: Browser, url: string): Promise<Record<string, number>> {
  const port = Number(new URL(browser.wsEndpoint()).port)
  const result = await lighthouse(url, {
    port,
    onlyCategories: [...categories],
    formFactor: 'mobile',
    logLevel: 'error',
  })
  if (result === undefined) throw new Error('Lighthouse gave no result')
  const { lhr } = result
  const audit = (id: string) => Math.round(lhr.audits[id]?.numericValue ?? Number.NaN)
  return {
    ...Object.fromEntries(categories.map((id) => [id, Math.round((lhr.categories[id]?.score ?? 0) * 100)])),
    'first contentful paint, ms': audit('first-contentful-paint'),
    'largest contentful paint, ms': audit('largest-contentful-paint'),
    'total blocking time, ms': audit('total-blocking-time'),
  }
}

interface LongTasks {
  /** From the first script until nothing more comes; no model is loaded by then. */
  readonly start: readonly number[]
  /** While the first model is fetched, compiled and run, and run twice more. */
  readonly model: readonly number[]
}

/** The lengths of the tasks over 50 ms on the page's thread, in milliseconds. */
async function longTasks(browser: Browser, url: string): Promise<LongTasks> {
  const context = await browser.createBrowserContext()
  const page = await context.newPage()
  // In the background it would be given no frames.
  await page.bringToFront()
  await page.emulateCPUThrottling(slowdown)
  await page.evaluateOnNewDocument(() => {
    const tasks: number[] = []
    Object.assign(globalThis, { longTasks: tasks })
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration)
    }).observe({ entryTypes: ['longtask'] })
  })
  const taken = () => page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks.splice(0))
  const said = (name: string) => page.$eval(card, (element, key) => element.getAttribute(key), name)

  // In the cloud only: no model comes by itself.
  await page.goto(`${url}?privacy=cloud-only`, { waitUntil: 'networkidle0' })
  const start = await taken()
  await page.$eval('hither-app >>> [data-testid=privacy]', (element) => {
    const select = element as HTMLSelectElement
    select.value = 'edge-only'
    select.dispatchEvent(new Event('change', { bubbles: true }))
  })
  for (const digit of [1, 2, 3]) {
    await page.$eval(`${card} >>> [data-testid=sample-${digit}]`, (button) => (button as HTMLButtonElement).click())
    while (Number(await said('data-runs')) < digit) await new Promise((resolve) => setTimeout(resolve, pollMs))
    if ((await said('data-state')) !== 'done') throw new Error(`sample ${digit} had no answer`)
  }
  const model = await taken()
  await context.close()
  return { start, model }
}
