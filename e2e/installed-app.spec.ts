import { createServer } from 'node:http'
import { expect, type Page, test } from '@playwright/test'
import { openAppPage } from './support/app-page.ts'
import { openSite, type Site } from './support/site.ts'

// What the system does with an installed app: it installs it, shares files with it and opens files with it.

let site: Site
test.beforeAll(async () => {
  site = await openSite()
})
test.afterAll(() => site.close())

const isServed = (page: Page) =>
  expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true)

interface Handler {
  readonly action: string
  readonly accept?: Readonly<Record<string, readonly string[]>>
}

test('Chromium may install it, and the manifest names a share target and a file handler that are there', async ({
  page,
}) => {
  await page.goto(site.origin)
  await isServed(page)
  const session = await page.context().newCDPSession(page)
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors')
  // The tests' own profile is one that installs nothing.
  expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito')).toEqual([])
  const { url, errors, data } = await session.send('Page.getAppManifest')
  expect(errors).toEqual([])
  const manifest = JSON.parse(data ?? '') as {
    readonly file_handlers: readonly Handler[]
    readonly share_target: Handler & { readonly method: string; readonly enctype: string }
  }
  expect(manifest.share_target).toMatchObject({ method: 'POST', enctype: 'multipart/form-data' })
  const [handler] = manifest.file_handlers
  expect(Object.keys(handler?.accept ?? {})).toEqual(['image/png', 'image/jpeg', 'image/webp'])
  // A file is opened with a page of the app.
  await page.goto(new URL(handler?.action ?? '', url).href)
  await expect(page.locator('digit-card')).toBeVisible()
})

test('once it is installed, addresses that are not its own are answered by whoever has them', async ({ page }) => {
  const see = async (path: string) => {
    const response = await page.goto(site.origin + path)
    return [response?.status(), response?.headers()['content-type']?.split(';')[0]]
  }
  const paths = [
    '/metrics',
    '/.well-known/hither-keys',
    '/widget.js',
    '/service-worker.js',
    '/some/other/app',
    '/index',
  ]
  const before: Record<string, unknown> = {}
  for (const path of paths) before[path] = await see(path)
  await page.goto(site.origin)
  await isServed(page)
  for (const path of paths) expect(await see(path), path).toEqual(before[path])
  await page.context().setOffline(true)
  for (const path of ['/', '/?privacy=any', '/index.html', '/#/models']) {
    expect(await see(path), path).toEqual([200, 'text/html'])
  }
  await page.context().setOffline(false)
  const manifest = await (await page.request.get(`${site.origin}/manifest.webmanifest`)).json()
  // Its identity follows from its start, wherever it is built for.
  expect([manifest.start_url, manifest.id]).toEqual(['.', undefined])
})

test('a picture and a sound that are shared with it reach their tasks', async ({ page }) => {
  // The system shares by a form that it sends itself; a page of another site does the same.
  const elsewhere = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end(`<form method="post" enctype="multipart/form-data" action="${site.origin}/share">
      <input type="file" name="file"><button>Share</button></form>`)
  })
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  const address = elsewhere.address()
  const share = async (name: string, mimeType: string, buffer: Buffer) => {
    await page.goto(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    await page.locator('input').setInputFiles({ name, mimeType, buffer })
    await page.getByRole('button', { name: 'Share' }).click()
  }
  try {
    await page.goto(site.url())
    await isServed(page)
    const six = await (await page.request.get(`${site.origin}/samples/digits/6.png`)).body()
    await share('six.png', 'image/png', six)
    const app = openAppPage(page)
    await expect(app.answer).toContainText('6')
    expect(page.url()).toBe(`${site.origin}/`)
    // It was taken once: a reload starts afresh.
    await page.reload()
    await app.becomesReady()
    expect(await app.runs()).toBe(0)

    await share('nothing.wav', 'audio/wav', Buffer.from('no sound'))
    await expect(page.locator('sound-card')).toHaveAttribute('data-state', 'error')
    expect(await app.runs()).toBe(0)
  } finally {
    elsewhere.close()
    elsewhere.closeAllConnections()
  }
})

test('a picture that is opened with it is read', async ({ page }) => {
  await page.addInitScript(() => {
    const launchQueue = {
      setConsumer(consumer: (params: { files: FileSystemFileHandle[] }) => void) {
        Object.assign(globalThis, { launch: consumer })
      },
    }
    Object.defineProperty(globalThis, 'launchQueue', { value: launchQueue })
  })
  await page.goto(site.url())
  const app = openAppPage(page)
  await app.becomesReady()
  // Handles as the system gives them, here of the page's own file system.
  await page.evaluate(async () => {
    const picture = await (await fetch('samples/digits/4.png')).blob()
    const handle = await (await navigator.storage.getDirectory()).getFileHandle('four.png', { create: true })
    const writable = await handle.createWritable()
    await writable.write(picture)
    await writable.close()
    const { launch } = globalThis as unknown as { launch(params: { files: FileSystemFileHandle[] }): void }
    launch({ files: [handle] })
  })
  await expect(app.answer).toContainText('4')
})
