import { expect, test } from '@playwright/test'
import { openAppPage } from './support/app-page.ts'
import { openSite, type Site } from './support/site.ts'

let site: Site
test.beforeAll(async () => {
  site = await openSite()
})
test.afterAll(() => site.close())

test('a model is downloaded, kept, verified, exported and removed; what it takes is shown', async ({ page }) => {
  await page.goto(`${site.url()}#/models`)
  const card = page.locator('model-card').filter({ hasText: 'Intents, small' })
  const status = card.getByTestId('status')
  await card.getByTestId('model-download').click()
  await expect(status).toHaveAttribute('data-status', 'stored')
  await expect(page.getByTestId('space')).toContainText('intents-small')
  await card.getByTestId('model-pin').click()
  await expect(card.getByTestId('model-unpin')).toBeVisible()
  await card.getByTestId('model-verify').click()
  await expect(card.getByTestId('model-note')).toContainText('Every byte')
  const [download] = await Promise.all([page.waitForEvent('download'), card.getByTestId('model-export').click()])
  expect(download.suggestedFilename()).toBe('intents-small.zip')
  await card.getByTestId('model-remove').click()
  await expect(status).toHaveAttribute('data-status', 'absent')
})

test('pretending to be offline: the cloud is refused at once, and what waits in line runs afterwards', async ({
  page,
}) => {
  await page.goto(`${site.url('privacy=cloud-only')}#/settings`)
  await page.getByTestId('simulation-offline').click()
  await expect(page.getByTestId('simulated')).toContainText('offline')
  await page.evaluate(() => {
    location.hash = '#/task/languages'
  })
  const card = page.locator('text-card')
  await card.getByTestId('text').fill('Guten Morgen, wie geht es dir?')
  await expect(card.getByTestId('error')).toContainText('offline')
  // Case 32: it says so at once; how fast is shown and not judged, the machine may have much else to do.
  const startedAt = Date.now()
  await card.getByTestId('wait').click()
  await expect(card.getByTestId('waiting')).toBeVisible()
  console.log(`offline, said within ${Date.now() - startedAt} ms of the click`)
  await page.getByTestId('simulated').getByRole('button').click()
  await expect(card.getByTestId('answer')).toContainText('German')
  await expect(card.getByTestId('badge')).toHaveAttribute('data-arm', 'cloud')
  await page.getByTestId('nav-routes').click()
  await expect(page.getByTestId('routes').locator('tbody tr')).toHaveCount(1)
  await expect(page.getByTestId('figure-share')).toContainText('0.0 %')
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('export').click()])
  const lines = (await (await download.createReadStream()).toArray()).join('').trim().split('\n')
  expect(JSON.parse(lines[0] ?? '').model).toBe('language-identification')
})

test('the device is measured again, and the link has a history', async ({ page }) => {
  await page.goto(site.url())
  const app = openAppPage(page)
  await app.becomesReady()
  await app.open('device')
  const wasm = page.getByTestId('backend-wasm')
  await expect(wasm).toHaveAttribute('data-status', 'measured')
  await page.getByTestId('measure').click()
  await expect(page.getByTestId('measure')).toBeEnabled()
  await expect(wasm).toHaveAttribute('data-status', 'measured')
  await expect(page.getByTestId('link-chart').locator('canvas')).toBeVisible()
  await expect(page.getByTestId('link-panel')).toContainText('9 in 10 between')
})
