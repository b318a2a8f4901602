import { chromium, expect, type Page, test } from '@playwright/test'
// @ts-expect-error a script without types
import { browserArgs, findBrowser } from '../scripts/find-browser.mjs'
import { openAppPage } from './support/app-page.ts'
import { injectIntoWorker, type WorkerFault } from './support/edge-worker-faults.ts'
import { openSite, type Site } from './support/site.ts'

let site: Site
test.beforeAll(async () => {
  site = await openSite()
})
test.afterAll(() => site.close())

test('19: without a WebGPU adapter the edge runs on WASM, with the same answer', async ({ page }) => {
  await page.goto(site.url('privacy=edge-only'))
  const app = openAppPage(page)
  await app.becomesReady()
  await app.pick(6)
  await expect(app.badge).toContainText('WASM')
  await expect(app.answer).toContainText('6')
  await app.open('device')
  await expect(page.getByTestId('backend-webgpu')).toHaveAttribute('data-status', 'absent')
})

test.describe('with a software WebGPU adapter', () => {
  const withAdapter = async (query: string, work: (page: Page) => Promise<void>, fault?: WorkerFault) => {
    const browser = await chromium.launch({
      executablePath: findBrowser(),
      args: [...browserArgs, '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
    })
    try {
      // A service worker would hand out the edge worker as it is.
      const context = await browser.newContext(fault === undefined ? {} : { serviceWorkers: 'block' })
      if (fault !== undefined) await injectIntoWorker(context, fault)
      const page = await context.newPage()
      await page.goto(site.url(query))
      await work(page)
    } finally {
      // A worker may be starting still: its script is no longer routed once the browser closes.
      for (const context of browser.contexts()) await context.unrouteAll({ behavior: 'ignoreErrors' })
      await browser.close()
    }
  }

  test('it is measured, and loses to a faster WASM before its runtime file is fetched', () => {
    const work = async (page: Page) => {
      const requested: string[] = []
      page.on('request', (request) => requested.push(request.url()))
      await page.reload()
      const app = openAppPage(page)
      await app.becomesReady()
      await app.pick(4)
      await expect(app.badge).toContainText('WASM')
      await expect(app.answer).toContainText('4')
      await app.open('device')
      await expect(page.getByTestId('backend-webgpu')).toHaveAttribute('data-status', 'measured')
      await expect(page.getByTestId('backend-webgpu')).toContainText('software adapter')
      await expect(page.getByTestId('backend-wasm')).toHaveAttribute('data-status', 'measured')
      const runtimes = requested.filter((url) => /ort-wasm-[^/]*\.wasm$/.test(url))
      expect(runtimes.length).toBeGreaterThan(0)
      expect(runtimes.filter((url) => /jspi|asyncify/.test(url))).toEqual([])
      const file = await fetch(runtimes[0] ?? '', { headers: { 'accept-encoding': 'br' } })
      await file.body?.cancel()
      // Compressed beforehand, and of the type that lets it compile while it streams in.
      expect(file.headers.get('content-encoding')).toBe('br')
      expect(file.headers.get('content-type')).toBe('application/wasm')
    }
    return withAdapter('privacy=edge-only', work, 'onlyReadBackTakesTime')
  })

  test('asked for by name, it runs the model with the same answers', () =>
    withAdapter('privacy=edge-only&backend=webgpu', async (page) => {
      const app = openAppPage(page)
      await app.becomesReady()
      for (const digit of [2, 5, 9]) {
        await app.pick(digit)
        await expect(app.badge).toContainText('WebGPU')
        await expect(app.answer).toContainText(String(digit))
      }
    }))

  for (const build of ['jspi', 'asyncify'] as const) {
    test(`the ${build} runtime file is the one that this browser gets, and it runs`, () =>
      withAdapter('privacy=edge-only&backend=webgpu', async (page) => {
        const runtimes = new Set<string>()
        page.on('request', (request) => {
          const [, name] = /ort-wasm-simd-threaded\.?([a-z]*)-[^/]*\.wasm$/.exec(request.url()) ?? []
          if (name !== undefined) runtimes.add(name)
        })
        // No flag of this Chromium takes JSPI away; what the page looks for is.
        if (build === 'asyncify') await page.addInitScript(() => Reflect.deleteProperty(WebAssembly, 'Suspending'))
        await page.reload()
        const app = openAppPage(page)
        await app.becomesReady()
        await app.pick(7)
        await expect(app.badge).toContainText('WebGPU')
        await expect(app.answer).toContainText('7')
        expect([...runtimes]).toEqual([build])
      }))
  }
})
