// What devices report, and what operators tell them, on the built app and `hither serve --data`.
import { expect, type Page, test } from '@playwright/test'
import { openAppPage } from './support/app-page.ts'
import { injectIntoWorker } from './support/edge-worker-faults.ts'
import { type Served, serveApp } from './support/served.ts'

const reportsPath = '/hither/v1/reports'
const hourMs = 3_600_000

let served: Served
test.afterEach(() => served.close())

const batches = () => served.proxy.passed.filter(({ method, path }) => method === 'POST' && path === reportsPath)

async function open(page: Page, query = ''): Promise<ReturnType<typeof openAppPage>> {
  await page.goto(`${served.origin}/?${query}`)
  return openAppPage(page)
}

/** Opens the settings, and sends what waits. */
async function sendReports(page: Page): Promise<void> {
  await openAppPage(page).open('settings')
  const waiting = page.getByTestId('reports-waiting')
  await expect(waiting).not.toHaveAttribute('data-count', '0')
  await page.getByTestId('reports-send').click()
  await expect(waiting).toHaveAttribute('data-count', '0')
}

test.describe('without a service worker, which would fetch the workers itself', () => {
  test.use({ serviceWorkers: 'block' })

  test('a failure at the edge is on the operator’s page, by its code; who has no token with its scope sees nothing', async ({
    page,
    context,
  }) => {
    served = await serveApp({ withTokens: true })
    await injectIntoWorker(context, 'crashWhenAnswering')
    const app = await open(page, 'privacy=prefer-edge#/settings')
    await page.getByTestId('token').fill(served.token('infer:*'))
    await page.getByTestId('save-endpoint').click()
    // Until then, what is ready belongs to the client that this one replaces.
    await expect(page.getByRole('status').filter({ hasText: 'In use.' })).toBeVisible()
    await app.open('home')
    await app.becomesReady()
    await app.pick(4)
    await expect(app.badge).toHaveAttribute('data-arm', 'cloud')
    await expect(app.answer).toContainText('4')
    await sendReports(page)

    const [report] = await served.reports()
    expect(report).toMatchObject({ kind: 'route', model: 'digits', arm: 'cloud', reason: 'edge-failed' })
    expect(Math.abs(Number(report?.at_ms) - Date.now())).toBeLessThan(hourMs)

    const ops = await context.newPage()
    await ops.goto(`${served.origin}/ops`)
    const give = async (token: string) => {
      await ops.locator('token-form input').fill(token)
      await ops.locator('token-form button').click()
    }
    await give(served.token('infer:*'))
    await expect(ops.getByTestId('problem')).toContainText('This token does not allow it')
    await expect(ops.getByTestId('tile-requests')).toHaveCount(0)
    await give(served.token('ops'))
    await expect(ops.getByTestId('tile-requests')).toHaveText('1')
    await expect(ops.locator('failure-table')).toContainText('edge-crashed')
  })
})

test('a failure in the cloud is in the app, with the endpoint’s reason, and the edge answers where it may', async ({
  page,
}) => {
  served = await serveApp()
  const reason = 'the disk of this region is full'
  let release = () => {}
  const held = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined)
  })
  served.proxy.answer((path) => {
    if (path.endsWith('/infer')) return { status: 500, body: JSON.stringify({ error: reason }) }
    return path.endsWith('/model.onnx') ? held : undefined
  })
  const app = await open(page)
  const before = await app.runs()
  await page.getByTestId('sample-7').click()
  await expect.poll(() => served.proxy.passed.some(({ path }) => path.endsWith('/infer'))).toBe(true)
  release()
  await expect.poll(app.runs).toBeGreaterThan(before)
  await expect(app.badge).toHaveAttribute('data-arm', 'edge')
  await app.openWhy()
  await expect(app.app.getByTestId('attempts')).toContainText('cloud-failed')

  await page.getByTestId('privacy').selectOption('cloud-only')
  await page.getByTestId('sample-7').click()
  await expect(app.error).toHaveAttribute('data-code', 'no-arm')
  await expect(app.error).toContainText(reason)
  // Two requests, each tried again: the endpoint is set aside.
  await page.getByTestId('privacy').selectOption('any')
  await app.pick(7)
  await expect(app.why).toContainText('The endpoint failed several times in a row')
  await app.open('routes')
  const rows = page.getByTestId('routes').locator('tbody tr')
  await expect(rows).toHaveCount(2)
  // Which of them was asked first rests on predictions; that the endpoint failed is among the attempts.
  await expect(rows.last()).toContainText(
    /The endpoint failed, so this device answered instead|than predicted|was predicted/,
  )

  await sendReports(page)
  const kinds = (await served.reports()).map(({ kind, arm, code, reason: why }) => [kind, arm, code, why])
  expect(kinds).toEqual([
    ['route', 'edge', null, expect.stringMatching(/^(cloud-failed|cloud-overtaken|edge-faster|edge-safer)$/)],
    ['failure', 'cloud', 'cloud-failed', null],
    ['route', 'edge', null, 'cloud-set-aside'],
  ])
})

test('the endpoint’s reason is shown in every language of the app', async ({ page }) => {
  served = await serveApp()
  const reason = 'the disk of this region is full'
  served.proxy.answer((path) => (path.endsWith('/infer') ? { status: 500, body: `{"error":"${reason}"}` } : undefined))
  const app = await open(page, 'privacy=cloud-only#/settings')
  await page.getByTestId('language-zh-Hans').check()
  await app.open('home')
  await page.getByTestId('sample-7').click()
  await expect(app.error).toContainText(/[\u4e00-\u9fff]/)
  await expect(app.error).toContainText(reason)
})

test('a person sees what waits and switches it off: that is forgotten, and nothing is recorded, also after a reload', async ({
  page,
}) => {
  served = await serveApp()
  served.proxy.answer((path) => (path === reportsPath ? { status: 503, body: '{"error":"not now"}' } : undefined))
  const app = await open(page, 'privacy=cloud-only')
  await app.pick(1)
  await app.pick(2)
  await app.open('settings')
  await expect(page.getByTestId('reports-waiting')).toHaveAttribute('data-count', '2')
  await page.getByTestId('reports-send').click()
  await expect(page.getByTestId('reports-problem')).toContainText('cloud-overloaded')
  await page.getByTestId('report').uncheck()
  await expect(page.getByTestId('reports')).toHaveCount(0)
  served.proxy.answer(() => undefined)
  const sent = batches().length

  await page.reload()
  await app.open('home')
  await app.pick(3)
  await app.open('settings')
  await expect(page.getByTestId('report')).not.toBeChecked()
  // Closed, a page says what it can.
  await page.goto('about:blank')
  expect(batches().length).toBe(sent)

  await open(page, 'privacy=cloud-only#/settings')
  await page.getByTestId('report').check()
  await expect(page.getByTestId('reports-waiting')).toHaveAttribute('data-count', '0')
  await app.open('home')
  await app.pick(4)
  await sendReports(page)
  // Of all requests, the one of the time when reporting was on.
  expect(await served.reports()).toHaveLength(1)
})

test('of requests that had to stay on the device, their number is told and nothing else', async ({ page }) => {
  served = await serveApp()
  const app = await open(page, 'privacy=edge-only')
  await app.becomesReady()
  await app.pick(5)
  await app.pick(6)
  await app.open('settings')
  await page.getByTestId('reports-send').click()
  await expect.poll(() => batches().length).toBeGreaterThan(0)
  const reports = batches().flatMap(({ requestBody }) => JSON.parse(requestBody.toString()).reports)
  expect(reports).toEqual([
    { kind: 'counts', id: expect.any(String), atMs: expect.any(Number), answered: 2, failed: 0 },
  ])
})

test('a model that is withdrawn is refused with the operator’s words as soon as the device is online, and until that is taken back', async ({
  page,
  context,
}) => {
  served = await serveApp()
  const app = await open(page)
  await app.becomesReady()
  await app.pick(9)
  await context.setOffline(true)
  served.notice('--withdraw', 'digits', '--why', 'It took fours for nines.')
  await app.pick(9)
  await expect(app.badge).toHaveAttribute('data-arm', 'edge')
  await context.setOffline(false)
  const answeredAs = async (code: string | null) => {
    const before = await app.runs()
    await page.getByTestId('sample-9').click()
    await expect.poll(app.runs).toBeGreaterThan(before)
    return (await app.error.count()) === 0 ? code === null : (await app.error.getAttribute('data-code')) === code
  }
  await expect.poll(() => answeredAs('model-withdrawn')).toBe(true)
  await expect(app.error).toContainText('It took fours for nines.')

  // Also at the next visit, and offline.
  await page.reload()
  await expect.poll(() => answeredAs('model-withdrawn')).toBe(true)

  const [id] = /"id":"([^"]+)"/.exec(served.notice())?.slice(1) ?? []
  served.notice('--remove', id ?? '')
  await context.setOffline(true)
  await context.setOffline(false)
  await expect.poll(() => answeredAs(null)).toBe(true)
  await expect(app.answer).toContainText('9')
  // It is listed again, and comes here again.
  await app.becomesReady()
})
