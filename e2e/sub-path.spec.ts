import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@playwright/test'
import { openAppPage } from './support/app-page.ts'
import { openStaticSite } from './support/static-site.ts'

const base = '/some/path/'
const folder = mkdtempSync(join(tmpdir(), 'hither-below-'))

// As docs/app.md says.
test.beforeAll(async () => {
  const vite = (...more: string[]) =>
    promisify(execFile)('npx', ['vite', 'build', ...more, '--base', base, '--outDir', folder, '--logLevel', 'error'])
  await vite()
  await vite('--config', 'vite.widget.config.ts')
})
test.afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The files of the shell: all but models, the runtime, the widget, and what a server alone reads. */
const shellFiles = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => /\.(html|js|css|svg|png|jpg|mp3|webmanifest)$/.test(path))
    .filter((path) => !/^models\/|ort-wasm-|(^|\/)widget|^service-worker\.js$/.test(path))
    .sort()

test('a build for a path below is an app of its own, beside the one at the origin', async ({ page, context }) => {
  const widget = `<hither-widget></hither-widget><script type="module" src="${base}widget.js"></script>`
  const site = await openStaticSite(folder, base, `<!doctype html><title>Another app</title>${widget}`)
  const home = site.origin + base
  const foreign = `${site.origin}/other/assets/ort-wasm-other.wasm`
  try {
    // What another build of this origin keeps.
    await page.goto(`${home}icons/icon.svg`)
    await page.evaluate(async (url) => {
      await (await caches.open('hither-runtime')).put(url, new Response('its own'))
    }, foreign)
    await page.goto(home)
    const app = openAppPage(page)
    await app.becomesReady()
    await app.pick(4)
    await expect(app.answer).toContainText('4')

    const html = readFileSync(join(folder, 'index.html'), 'utf8')
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(5)
    for (const link of links) {
      expect(link.startsWith(base), link).toBe(true)
      expect((await page.request.get(site.origin + link)).status(), link).toBe(200)
    }

    const session = await context.newCDPSession(page)
    const { url, errors, data } = await session.send('Page.getAppManifest')
    expect(errors).toEqual([])
    const manifest = JSON.parse(data ?? '{}')
    const at = (path: string) => new URL(path, url).href
    expect(await session.send('Page.getAppId')).toMatchObject({ appId: home })
    expect([at(manifest.start_url), at(manifest.scope), at(manifest.share_target.action)]).toEqual([
      home,
      home,
      `${home}share`,
    ])
    expect(at(manifest.file_handlers[0].action)).toBe(home)
    for (const { src } of manifest.icons) expect((await page.request.get(at(src))).status(), src).toBe(200)

    // The service worker's list: all files of the shell, each there and below the path.
    await expect
      .poll(() => page.evaluate(() => navigator.serviceWorker.controller?.scriptURL))
      .toBe(`${home}service-worker.js`)
    const listed = await page.evaluate(async () => {
      const name = (await caches.keys()).find((key) => key.includes('-precache-'))
      const kept = await (await caches.open(name ?? '')).keys()
      return kept.map((request) => request.url.split('?')[0] ?? '')
    })
    expect(listed.sort()).toEqual(shellFiles().map((path) => home + path))
    // The runtime in use is kept, and the other build's is left alone.
    const runtimes = () =>
      page.evaluate(async () => (await (await caches.open('hither-runtime')).keys()).map(({ url }) => url))
    await expect.poll(async () => (await runtimes()).filter((kept) => kept.startsWith(`${home}assets/`)).length).toBe(2)
    expect(await runtimes()).toContain(foreign)
    // It asked the other app for nothing: neither for models nor for an endpoint.
    expect(site.others.filter((path) => path !== '/favicon.ico')).toEqual([])

    await context.setOffline(true)
    await page.goto(home)
    await app.becomesReady()
    await app.pick(7)
    await expect(app.answer).toContainText('7')
    for (const path of ['/', '/index.html', '/some/', '/assets/', `${base}metrics`]) {
      await expect(page.goto(site.origin + path), path).rejects.toThrow('ERR_INTERNET_DISCONNECTED')
    }
    await context.setOffline(false)

    // The widget, on a page of the other app: what it needs lies beside its script.
    await page.goto(site.origin)
    await expect(page).toHaveTitle('Another app')
    await page.locator('hither-widget').scrollIntoViewIfNeeded()
    await expect(page.locator('hither-widget')).toHaveAttribute('status', 'idle')
    const arm = await page.locator('hither-widget').evaluate(async (element, picture) => {
      const { run } = element as unknown as { run(input: Blob): Promise<{ route: { ran: string } }> }
      const { route } = await run.call(element, await (await fetch(picture)).blob())
      return route.ran
    }, `${home}samples/digits/4.png`)
    expect(arm).toBe('edge')
    expect(site.others.filter((path) => !['/', '/favicon.ico'].includes(path))).toEqual([])
  } finally {
    site.close()
  }
})
