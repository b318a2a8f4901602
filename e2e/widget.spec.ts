import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, type Frame, type Page, test } from '@playwright/test'
import type { HitherWidget } from '../src/widget/hither-widget.ts'
import {
  bundleExample,
  documentedPolicy,
  type EmbeddingSite,
  embeddingDocs,
  noteTroubles,
  openEmbeddingSite,
} from './support/embedding-site.ts'

/** Spanish, of which every model that comes with Hither is sure. */
const sentence = 'Mañana por la mañana iremos al mercado a comprar pan.'

let site: EmbeddingSite
test.beforeAll(async () => {
  site = await openEmbeddingSite()
})
test.afterAll(() => site.close())

let troubles: readonly string[]
test.beforeEach(async ({ page }) => {
  troubles = await noteTroubles(page)
})

const widgetIn = (page: Page) => page.locator('hither-widget')
const frames = (page: Page) => page.locator('iframe[src*="widget-frame.html"]')
const typeInto = (page: Page) => widgetIn(page).first().locator('textarea').fill(sentence)

/** Gives the first widget of a page a text by its method. */
const ask = (page: Page | Frame, text = sentence) =>
  page.evaluate(async (given) => {
    await customElements.whenDefined('hither-widget')
    const widget = document.querySelector('hither-widget') as HitherWidget
    const { answer, route } = await widget.run(given)
    return { label: 'label' in answer ? answer.label : undefined, ran: route.ran, backend: route.backend }
  }, text)

test('under the strict policy that the docs give, on a page of another origin', async ({ page }) => {
  const policy = `default-src 'none'; ${documentedPolicy(site.host)}`
  expect(policy).toContain('require-trusted-types-for')
  await page.goto(
    site.show('/strict', {
      headers: { 'Content-Security-Policy': policy },
      body: `${site.script}<hither-widget task="languages" privacy="edge-only">
        <p>Wait</p><b slot="title">Which language?</b><small slot="footer">By Hither</small></hither-widget>`,
    }),
  )
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(false)
  const widget = widgetIn(page)
  await expect(widget).toHaveAttribute('status', 'idle')
  await expect(widget.getByText('Which language?')).toBeVisible()
  await expect(widget.getByText('By Hither')).toBeVisible()
  await expect(widget.getByText('Wait')).toBeHidden()

  // Events bubble, and say what the properties hold.
  await page.evaluate(() => {
    const heard: Record<string, unknown> = {}
    Object.assign(globalThis, { heard })
    for (const type of ['hither-result', 'hither-route', 'hither-progress', 'hither-error'] as const) {
      document.body.addEventListener(type, ({ detail }) => {
        heard[type] = detail
      })
    }
  })
  const heard = () => page.evaluate(() => (globalThis as unknown as { heard: Record<string, unknown> }).heard)
  await typeInto(page)
  await expect(widget.locator('hither-ranking')).toContainText('Spanish')
  await expect(widget.locator('hither-route')).toContainText('WASM')
  expect(await heard()).toMatchObject({
    'hither-result': { answer: { label: 'es' }, route: { ran: 'edge', backend: 'wasm' } },
    'hither-route': { ran: 'edge' },
    'hither-progress': { loadedBytes: expect.any(Number), totalBytes: expect.any(Number) },
  })
  const { answer, route } = await widget.evaluate(({ answer, route }: HitherWidget) => ({ answer, route }))
  expect(await heard()).toMatchObject({ 'hither-result': { answer, route } })

  // Attributes and methods.
  await widget.evaluate((element) => element.setAttribute('privacy', 'cloud-only'))
  expect(await ask(page)).toMatchObject({ label: 'es', ran: 'cloud' })
  await widget.evaluate((element: HitherWidget) => element.clear())
  await expect(widget.locator('hither-ranking')).not.toContainText('Spanish')
  expect(await widget.evaluate((element: HitherWidget) => element.answer)).toBeUndefined()
  await widget.evaluate((element) => {
    element.setAttribute('task', 'digits')
    element.setAttribute('privacy', 'edge-only')
  })
  await expect(widget.locator('hither-pad')).toBeVisible()
  await widget.evaluate((element: HitherWidget) => element.prepare())
  const pad = await widget.locator('hither-pad canvas').boundingBox()
  if (pad === null) throw new Error('no pad')
  const middle = pad.x + pad.width / 2
  await page.mouse.move(middle, pad.y + pad.height * 0.2)
  await page.mouse.down()
  await page.mouse.move(middle, pad.y + pad.height * 0.8, { steps: 12 })
  await page.mouse.up()
  // The view lists all ten digits, also while nothing is recognized yet.
  await expect
    .poll(() => widget.evaluate(({ answer }: HitherWidget) => answer && 'label' in answer && answer.label))
    .toBe('1')
  expect(troubles).toEqual([])

  await widget.evaluate((element) => element.setAttribute('task', 'nothing'))
  await expect(ask(page)).rejects.toThrow('The widget has no task “nothing”')
  await expect(widget).toHaveAttribute('status', 'failed')
  expect(await heard()).toMatchObject({ 'hither-error': { code: 'config-invalid' } })
  expect(troubles).toEqual([])
})

test('inside a shadow root, and moved to another place of the page', async ({ page }) => {
  await page.goto(site.show('/shadow', { body: `${site.script}<div id="one"></div><div id="two"></div>` }))
  await page.evaluate(() => {
    for (const id of ['one', 'two']) document.getElementById(id)?.attachShadow({ mode: 'open' })
    const widget = document.createElement('hither-widget')
    widget.setAttribute('task', 'languages')
    document.getElementById('one')?.shadowRoot?.append(widget)
    document.body.addEventListener('hither-result', ({ detail }) => {
      if ('label' in detail.answer) document.title = detail.answer.label
    })
  })
  await typeInto(page)
  await expect(page).toHaveTitle('es')
  await page.evaluate(() => {
    document.title = ''
    const widget = document.getElementById('one')?.shadowRoot?.querySelector('hither-widget')
    if (widget) document.getElementById('two')?.shadowRoot?.append(widget)
  })
  // The frame went with the place that it was in.
  await expect(frames(page)).toHaveCount(0)
  await typeInto(page)
  await expect(page).toHaveTitle('es')
  await expect(frames(page)).toHaveCount(1)
  expect(troubles).toEqual([])
})

for (const name of ['react', 'vue'] as const) {
  test(`the example in ${name}`, async ({ page }) => {
    site.addFiles(`/${name}`, await bundleExample(name, site.host, `/${name}/`))
    await page.goto(`${site.origin}/${name}/index.html`)
    await typeInto(page)
    await expect(page.getByTestId('said')).toHaveText(/^es, by the (edge|cloud)$/)
    expect(troubles).toEqual([])
  })
}

test('in a sandboxed frame; without an origin of its own it says that it cannot start', async ({ page }) => {
  const inner = site.show('/inner', {
    body: `${site.script}<hither-widget task="languages" privacy="edge-only"></hither-widget>`,
  })
  await page.goto(
    site.show('/sandbox', { body: `<iframe sandbox="allow-scripts allow-same-origin" src="${inner}"></iframe>` }),
  )
  const frameAt = (url: string) => page.frames().find((frame) => frame.url() === url) as Frame
  expect(await ask(frameAt(inner))).toEqual({ label: 'es', ran: 'edge', backend: 'wasm' })
  expect(troubles).toEqual([])

  await page.clock.install()
  await page.goto(site.show('/opaque', { body: `<iframe sandbox="allow-scripts" src="${inner}"></iframe>` }))
  const opaque = page.frameLocator('iframe').locator('hither-widget')
  await opaque.locator('textarea').fill(sentence)
  await page.clock.runFor(1_000)
  await expect(opaque).toHaveAttribute('status', 'running')
  await page.clock.runFor(20_000)
  await expect(opaque.getByTestId('widget-error')).toHaveAttribute('data-code', 'frame-unreachable')
})

test('beside another copy of itself', async ({ page }) => {
  const copy = await openEmbeddingSite()
  try {
    await page.goto(
      site.show('/copies', {
        body: `${site.script}<script type="module" src="${site.host}/widget.js?again"></script>${copy.script}
        <hither-widget task="languages"></hither-widget><hither-widget task="languages"></hither-widget>`,
      }),
    )
    for (const index of [0, 1]) {
      const widget = widgetIn(page).nth(index)
      await widget.locator('textarea').fill(sentence)
      await expect(widget.locator('hither-ranking')).toContainText('Spanish')
    }
    await expect(frames(page)).toHaveCount(2)
    expect(troubles).toEqual([])
  } finally {
    await copy.close()
  }
})

test('on a page that is cross-origin isolated, too', async ({ page }) => {
  await page.goto(
    site.show('/isolated', {
      headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' },
      body: `<script type="module" crossorigin src="${site.host}/widget.js"></script>
        <hither-widget task="languages" privacy="edge-only"></hither-widget>`,
    }),
  )
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  expect(await ask(page)).toMatchObject({ label: 'es', ran: 'edge' })
  expect(troubles).toEqual([])
})

test('on a page of its own host, where it starts the workers itself', async ({ page }) => {
  const appDir = mkdtempSync(join(tmpdir(), 'hither-own-'))
  cpSync(fileURLToPath(new URL('../dist-app', import.meta.url)), appDir, { recursive: true })
  // As a page that has Lit of its own would, it makes Lit's policy before the widget does; and the documented one.
  const [recipe = ''] = /trustedTypes\.createPolicy\('default'[^`]*/.exec(embeddingDocs()) ?? []
  writeFileSync(
    join(appDir, 'own.js'),
    `${recipe}\ntrustedTypes.createPolicy('lit-html', { createHTML: (html) => html })`,
  )
  writeFileSync(
    join(appDir, 'own.html'),
    `<!doctype html><title>Own</title><link rel="icon" href="icons/icon.svg"><script src="own.js"></script><script type="module" src="widget.js"></script>
    <hither-widget task="languages" privacy="edge-only"></hither-widget>`,
  )
  const own = await openEmbeddingSite({ appDir })
  try {
    const response = await page.goto(`${own.host}/own.html`)
    expect(response?.headers()['content-security-policy']).toContain("require-trusted-types-for 'script'")
    const workers: string[] = []
    page.on('worker', (worker) => workers.push(worker.url()))
    expect(await ask(page)).toEqual({ label: 'es', ran: 'edge', backend: 'wasm' })
    await expect(frames(page)).toHaveCount(0)
    expect(workers.length).toBeGreaterThan(0)
    for (const url of workers) expect(url).toMatch(new RegExp(`^${own.host}/assets/`))
    expect(troubles).toEqual([])
  } finally {
    await own.close()
    rmSync(appDir, { recursive: true, force: true })
  }
})

test('nothing but the loader is fetched before it comes near or is touched', async ({ page }) => {
  const asked: string[] = []
  page.on('request', (request) => {
    if (request.url().startsWith(site.host)) asked.push(new URL(request.url()).pathname)
  })
  const far = `<div style="height: 5000px"></div><hither-widget task="languages">
    <button>Begin</button></hither-widget><div style="height: 5000px"></div>`
  const open = async () => {
    asked.length = 0
    await page.goto(site.show('/far', { body: `${site.script}${far}` }))
    await page.evaluate(() => customElements.whenDefined('hither-widget'))
    await expect(widgetIn(page)).toHaveAttribute('status', 'waiting')
    // Two frames: whatever an observer had to say, it has said.
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
    await page.waitForLoadState('networkidle')
    expect(asked.filter((path) => !/^\/(widget|assets\/widget-(shared|preload)-.*)\.js$/.test(path))).toEqual([])
    await expect(widgetIn(page)).toHaveAttribute('status', 'waiting')
  }

  await open()
  await page.evaluate(() => document.querySelector('button')?.focus({ preventScroll: true }))
  await expect(widgetIn(page)).toHaveAttribute('status', 'idle')
  expect(asked.some((path) => path.includes('widget-view'))).toBe(true)
  expect(asked.some((path) => path.includes('widget-frame'))).toBe(false)

  await open()
  await page.evaluate(() => scrollTo(0, 5000 - innerHeight - 100))
  await expect(widgetIn(page)).toHaveAttribute('status', 'idle')
  // The engine comes with the first request.
  await expect(frames(page)).toHaveCount(0)
  await typeInto(page)
  await expect(widgetIn(page).locator('hither-ranking')).toContainText('Spanish')
  await expect(frames(page)).toHaveCount(1)
})
