import { expect, test } from '@playwright/test'
import { holdModel, openAppPage } from './support/app-page.ts'
import { edgeWorkersOf } from './support/edge-workers.ts'
import { openSite, type Site } from './support/site.ts'

let site: Site
test.beforeEach(async () => {
  site = await openSite()
})
test.afterEach(() => site.close())

test('an endpoint that stops mid-use is taken over by the edge', async ({ page }) => {
  const release = await holdModel(page)
  await page.goto(site.url())
  const app = openAppPage(page)
  await app.pick(1)
  await expect(app.badge).toHaveAttribute('data-arm', 'cloud')
  await site.stopEndpoint()
  const before = await app.runs()
  const failed = page.waitForEvent('requestfailed', (request) => request.method() === 'POST')
  await page.getByTestId('sample-4').click()
  await failed
  release()
  await expect.poll(app.runs).toBeGreaterThan(before)
  await expect(app.badge).toHaveAttribute('data-arm', 'edge')
  // Which of them was asked first rests on predictions; the endpoint was asked, and failed, before this device could.
  await expect(app.why).toContainText(/The endpoint failed|predicted/)
  await expect(app.answer).toContainText('4')
})

test('in the cloud only, a stopped endpoint is a sentence, and the next request works', async ({ page }) => {
  await page.goto(site.url('privacy=cloud-only'))
  const app = openAppPage(page)
  await app.pick(8)
  await expect(app.badge).toHaveAttribute('data-arm', 'cloud')
  await site.stopEndpoint()
  await page.getByTestId('sample-9').click()
  await expect(app.error).toContainText('endpoint')
  await page.getByTestId('privacy').selectOption('any')
  await app.pick(9)
  await expect(app.badge).toHaveAttribute('data-arm', 'edge')
  await expect(app.answer).toContainText('9')
})

test('edge-only sends nothing to the endpoint', async ({ page }) => {
  const requested: string[] = []
  page.on('request', (request) => requested.push(request.url()))
  await page.goto(site.url('privacy=edge-only'))
  const app = openAppPage(page)
  await app.becomesReady()
  for (const digit of [0, 6]) {
    await app.pick(digit)
    await expect(app.badge).toHaveAttribute('data-arm', 'edge')
    await expect(app.answer).toContainText(String(digit))
  }
  expect(requested.length).toBeGreaterThan(5)
  expect(requested.filter((url) => url.startsWith(site.endpointOrigin) || url.includes('/v2'))).toEqual([])
})

test('the samples give the right digits on both arms, which agree to 1e-3', async ({ page }) => {
  const answers: Record<string, number[][]> = { 'edge-only': [], 'cloud-only': [] }
  for (const [privacy, rows] of Object.entries(answers)) {
    await page.goto(site.url(`privacy=${privacy}`))
    const app = openAppPage(page)
    if (privacy === 'edge-only') await app.becomesReady()
    for (let digit = 0; digit < 10; digit += 1) {
      await app.pick(digit)
      await expect(app.badge).toHaveAttribute('data-arm', privacy === 'edge-only' ? 'edge' : 'cloud')
      await expect(app.answer).toContainText(String(digit))
      rows.push(await app.probabilities())
    }
  }
  const [edge = [], cloud = []] = Object.values(answers)
  edge.forEach((row, digit) => {
    row.forEach((probability, index) => {
      expect(Math.abs(probability - (cloud[digit]?.[index] ?? Number.NaN))).toBeLessThan(1e-3)
    })
  })
})

test('a crashed worker is replaced and the request is answered', async ({ page }) => {
  await page.goto(site.url('privacy=edge-only'))
  const app = openAppPage(page)
  await app.becomesReady()
  // The model is in one of them.
  for (const worker of edgeWorkersOf(page)) {
    await worker.evaluate(() => {
      setTimeout(() => {
        throw new Error('injected')
      })
    })
  }
  await expect(app.modelStatus).toHaveAttribute('data-status', 'stored')
  await app.pick(7)
  await expect(app.answer).toContainText('7')
  await expect(app.badge).toHaveAttribute('data-arm', 'edge')
})

test.describe('on a link of 400 ms and 0.5 Mbit/s', () => {
  test('requests go to the edge', async ({ page }) => {
    await site.close()
    site = await openSite({ link: { roundTripMs: 400, bitsPerSecond: 0.5e6 } })
    await page.goto(site.url())
    const app = openAppPage(page)
    await app.becomesReady()
    await app.pick(3)
    await expect(app.badge).toHaveAttribute('data-arm', 'edge')
    await expect(app.why).toContainText(/This device was predicted|on this device was predicted/)
    await app.openWhy()
    const cloudMs = Number(await page.getByTestId('predicted-cloud').getAttribute('data-mean-ms'))
    expect(cloudMs).toBeGreaterThan(200)
  })
})
