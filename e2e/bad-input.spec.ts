import { expect, test } from '@playwright/test'
import { openAppPage } from './support/app-page.ts'
import { openSite, type Site } from './support/site.ts'

let site: Site
test.beforeAll(async () => {
  site = await openSite()
})
test.afterAll(() => site.close())

/** A PNG's first bytes, which promise 10,000 by 10,000 pixels. */
const hugePng = Buffer.from('89504e470d0a1a0a0000000d49484452000027100000271008060000009f5f9d5b', 'hex')

test('bad pictures and an empty pad are sentences, and the next request works', async ({ page }) => {
  await page.goto(site.url('privacy=edge-only'))
  const app = openAppPage(page)
  await app.becomesReady()

  await app.app.getByTestId('run').click()
  await expect(app.error).toContainText('nothing drawn')

  await app.app
    .getByTestId('file-input')
    .setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('no picture') })
  await expect(app.error).toHaveAttribute('data-code', 'picture-unreadable')

  await app.app.getByTestId('file-input').setInputFiles({ name: 'b.png', mimeType: 'image/png', buffer: hugePng })
  await expect(app.error).toHaveAttribute('data-code', 'picture-too-large')

  await app.pick(1)
  await expect(app.answer).toContainText('1')
  await expect(app.error).toBeHidden()
})

test('an endpoint that talks nonsense is a sentence', async ({ page }) => {
  // The page's own server answers this path with a page.
  await page.route(`${site.endpointOrigin}/**/infer`, (route) =>
    route.fulfill({
      status: 200,
      contentType: 'text/html',
      headers: { 'access-control-allow-origin': '*' },
      body: '<h1>Log in</h1>',
    }),
  )
  await page.goto(site.url('privacy=cloud-only'))
  const app = openAppPage(page)
  await page.getByTestId('sample-5').click()
  await expect(app.error).toContainText('web page')
  await page.unroute(`${site.endpointOrigin}/**/infer`)
  await app.pick(5)
  await expect(app.answer).toContainText('5')
})
