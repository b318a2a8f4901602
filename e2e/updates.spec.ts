import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@playwright/test'
import { openAppPage } from './support/app-page.ts'
import { openSite } from './support/site.ts'

const built = fileURLToPath(new URL('../dist-app', import.meta.url))

/** Makes the built app in `folder` another version: a page's file has another name, as its content would have changed. */
function release(folder: string): void {
  const assets = join(folder, 'assets')
  const old = readdirSync(assets).find((name) => /^settings-page-.*\.js$/.test(name))
  if (old === undefined) throw new Error('the build has no settings page')
  const next = old.replace(/^settings-page-.*\.js$/, 'settings-page-NEXT.js')
  renameSync(join(assets, old), join(assets, next))
  const files = [join(folder, 'index.html'), join(folder, 'service-worker.js')]
  for (const name of readdirSync(assets)) {
    if (name.endsWith('.js')) files.push(join(assets, name))
    if (name.endsWith('.br')) rmSync(join(assets, name))
  }
  rmSync(join(folder, 'index.html.br'))
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    const changed = text.replaceAll(old, next).replace('<hither-app>', '<hither-app data-version="next">')
    if (changed !== text) writeFileSync(file, changed)
  }
  // The shell's revision, by which the service worker knows that it is another one.
  const worker = join(folder, 'service-worker.js')
  writeFileSync(
    worker,
    readFileSync(worker, 'utf8').replace(
      /("?url"?:"index\.html","?revision"?:")|("?revision"?:")([0-9a-f]+)(",\s*"?url"?:"index\.html")/,
      (whole) => whole.replace(/[0-9a-f]{8,}/, 'f'.repeat(32)),
    ),
  )
}

test('a new version is offered, waits for what runs, and never mixes with a page of the old one (case 41)', async ({
  context,
  page,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'hither-app-'))
  cpSync(built, folder, { recursive: true })
  const site = await openSite({ appDir: folder })
  try {
    await page.goto(site.url('privacy=cloud-only'))
    const app = openAppPage(page)
    await app.pick(1)
    await page.evaluate(() => navigator.serviceWorker.ready)
    await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)
    const other = await context.newPage()
    await other.goto(site.url())
    await expect(other.getByTestId('nav-settings')).toBeVisible()

    release(folder)
    await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update())
    await expect(page.getByTestId('update')).toBeVisible()
    // Offered, not forced: nothing changes by itself.
    expect(await page.locator('hither-app').getAttribute('data-version')).toBeNull()

    // Only now, as an endpoint that is silent for five seconds has failed, and installing may take longer.
    let letGo = () => {}
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    await page.route('**/infer', async (route) => {
      await held
      await route.continue()
    })
    await page.getByTestId('sample-3').click()
    await expect(app.app).toHaveAttribute('data-state', 'running')
    await page.getByTestId('update').getByRole('button').click()
    await expect(page.getByTestId('update').getByRole('button')).toBeDisabled()
    expect(await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.waiting?.state)).toBe(
      'installed',
    )
    letGo()
    await expect(page.locator('hither-app')).toHaveAttribute('data-version', 'next')

    // The other tab is of the version before, and so is what it loads from now on, which the server has no more of.
    expect(await other.locator('hither-app').getAttribute('data-version')).toBeNull()
    await other.getByTestId('nav-settings').click()
    await expect(other.getByTestId('language-en')).toBeVisible()
    await page.getByTestId('nav-settings').click()
    await expect(page.getByTestId('language-en')).toBeVisible()
  } finally {
    await site.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
