import { type Browser, type BrowserContext, chromium, type Page } from '@playwright/test'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../../scripts/find-browser.mjs'
import type { Hither } from '../plain-project/main.ts'
import { writeEngineModels } from './engine-models.ts'
import { buildPlainProject } from './plain-project.ts'
import { openSite } from './site.ts'

declare const hither: Hither

/** Inputs of the models `light` and `heavy`. */
export const small = [1, 1, 32, 32]
export const large = [1, 1, 64, 64]

/** The plain project with models that try the engine. */
export async function openEngineSite() {
  const { appDir } = buildPlainProject()
  const models = await writeEngineModels()
  const link = { roundTripMs: 4, bitsPerSecond: 200e6 }
  const site = await openSite({ appDir, modelsDir: models.modelsDir, link })
  return {
    origin: site.origin,
    /** Opens the page, and a client in it. */
    async openClient(page: Page, options: Parameters<Hither['open']>[0] = {}, cloud = false) {
      await page.goto(site.origin)
      await page.evaluate((given) => hither.open(given), {
        ...options,
        ...(cloud ? { endpoint: { url: site.endpointOrigin } } : {}),
      })
    },
    async close() {
      await site.close()
      models.remove()
    },
  }
}

export type EngineSite = Awaited<ReturnType<typeof openEngineSite>>

export const run = (page: Page, model: string, dims: number[], options = {}) =>
  page.evaluate(([name, shape, given]) => hither.run(name, shape, given), [model, dims, options] as const)

/** Runs in one go, as many as asked for; the answers in the order of the calls. */
export const runMany = (page: Page, model: string, dims: number[], count: number, options = {}) =>
  page.evaluate(
    ([name, shape, times, given]) => Promise.all(Array.from({ length: times }, () => hither.run(name, shape, given))),
    [model, dims, count, options] as const,
  )

export const closeClient = (page: Page) => page.evaluate(() => hither.client?.close())

/** Opens a browser of its own with these arguments. */
export async function withBrowser(
  args: readonly string[],
  work: (context: BrowserContext, browser: Browser) => Promise<void>,
): Promise<void> {
  const browser = await chromium.launch({ executablePath: findBrowser(), args: [...browserArgs, ...args] })
  try {
    await work(await browser.newContext(), browser)
  } finally {
    // A worker may be starting still: its script is no longer routed once the browser closes.
    for (const context of browser.contexts()) await context.unrouteAll({ behavior: 'ignoreErrors' })
    await browser.close()
  }
}

export const softwareAdapter = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']
