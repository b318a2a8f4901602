import lighthouse from 'lighthouse'
import puppeteer, { type Browser } from 'puppeteer-core'
import { createEndpoint } from '../dist/endpoint/index.js'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../scripts/find-browser.mjs'
import type { Bench } from './support/bench.ts'

const categories = ['performance', 'accessibility', 'best-practices'] as const
/** A task on the main thread that is longer than this can be felt. */
const longTaskMs = 50
const slowdown = 4

/**
 * The built home page, as `npm start` serves it: Lighthouse's mobile preset, and the longest task on the main thread
 * while the first model loads and runs, with the page's processor slowed four times. Needs `npm run build` before.
 */
export const bench: Bench = async (flags, print) => {
  const runs = Number(flags.value('runs') ?? 3)
  const endpoint = await createEndpoint({ modelsDir: 'public/models', appDir: 'dist-app', workers: 1, logger: false })
  const { port } = await endpoint.listen({ port: 0, host: 'localhost' })
  const url = `http://localhost:${port}/`
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
    const tasks = await longTasks(browser, url)
    print(
      `longest task, ${slowdown}x slower    ${Math.max(0, ...tasks).toFixed(0)} ms; over ${longTaskMs} ms: ${tasks.length}`,
    )
    return { scores, longTasksMs: tasks }
  } finally {
    await browser.close()
    await endpoint.close()
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

/** Tasks over 50 ms on the page's thread, from the first script until the model has answered three samples. */
async function longTasks(browser: Browser, url: string): Promise<readonly number[]> {
  const context = await browser.createBrowserContext()
  const page = await context.newPage()
  await page.emulateCPUThrottling(slowdown)
  await page.evaluateOnNewDocument(() => {
    const tasks: number[] = []
    Object.assign(globalThis, { longTasks: tasks })
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) tasks.push(duration)
    }).observe({ entryTypes: ['longtask'] })
  })
  await page.goto(url)
  const card = 'hither-app >>> digit-card'
  await page.waitForSelector(`${card} >>> [data-testid=model-status][data-status=ready]`, { timeout: 120_000 })
  for (const digit of [1, 2, 3]) {
    const before = Number(await page.$eval(card, (element) => element.getAttribute('data-runs')))
    const sample = await page.waitForSelector(`${card} >>> [data-testid=sample-${digit}]`)
    await sample?.evaluate((button) => (button as HTMLButtonElement).click())
    for (;;) {
      const runs = Number(await page.$eval(card, (element) => element.getAttribute('data-runs')))
      if (runs > before) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const tasks = await page.evaluate(() => (globalThis as unknown as { longTasks: number[] }).longTasks)
  await context.close()
  return tasks
}
