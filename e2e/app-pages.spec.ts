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

test('the device is measured again, and the link has a history', async ({ page }) => {
  await page.goto(site.url())
  const app = openAppPage(page)
  await app.becomesReady()
  await app.open('device')
  const wasm = page.getByTestId('backend-wasm')
  await expect(wasm).toHaveAttribute('data-status', 'measured')
  await page.getByTestId('measure').click()
  await expect(page.getByTestId('measure')).toBeEnabled({ timeout: 60_000 })
  await expect(wasm).toHaveAttribute('data-status', 'measured')
  await expect(page.getByTestId('link-chart').locator('canvas')).toBeVisible()
  await expect(page.getByTestId('link-panel')).toContainText('9 in 10 between')
})
