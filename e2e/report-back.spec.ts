// What devices report reaches the operator, and what the operator says reaches devices, on the built product.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type BrowserContext, expect, type Page, test } from '@playwright/test'
import { SignJWT } from 'jose'
import { createEndpoint, type EndpointPlugin, openReports } from '../dist/endpoint/index.js'
import { openReportDatabase } from '../dist/endpoint/reports/database.js'
import { changeNotices } from '../dist/endpoint/reports/notice-command.js'
import { openAppPage } from './support/app-page.ts'
import { openSite, type Site } from './support/site.ts'

let dataDir: string
let site: Site
/** While it is closed, the endpoint takes no reports. */
const gate = { closed: false, refused: 0, said: [] as { readonly duplicates: readonly string[] }[] }

async function openGatedReports(): Promise<EndpointPlugin> {
  const reports = await openReports({ dataDir })
  return {
    name: 'gated-reports',
    async register(app, context) {
      app.addHook('onRequest', async ({ method }, reply) => {
        if (!gate.closed || method !== 'POST') return
        gate.refused += 1
        return reply.code(503).send({ error: 'closed' })
      })
      app.addHook('onSend', async ({ method }, reply, payload) => {
        if (method === 'POST' && reply.statusCode === 200) gate.said.push(JSON.parse(String(payload)))
      })
      await reports.register(app, context)
    },
  }
}

test.beforeEach(async () => {
  Object.assign(gate, { closed: false, refused: 0, said: [] })
  dataDir = mkdtempSync(join(tmpdir(), 'hither-reports-'))
  site = await openSite({ plugins: [await openGatedReports()] })
})
test.afterEach(async () => {
  await site.close()
  rmSync(dataDir, { recursive: true, force: true })
})

const rows = async () => {
  const database = await openReportDatabase({ dataDir })
  const found = await database.selectFrom('reports').selectAll().execute()
  await database.destroy()
  return found
}
/** Coming back online, a page sends what waits and asks for notices at once. */
const comeBackOnline = async (context: BrowserContext) => {
  await context.setOffline(true)
  await context.setOffline(false)
}
/** Comes back online again and again until `see` is content: what was under way before that is cut off. */
const untilSeen = (context: BrowserContext, see: () => Promise<void>) =>
  expect(async () => {
    await comeBackOnline(context)
    await see()
  }).toPass({ intervals: [1_000], timeout: 60_000 })
/** What is seen soon, or not in this round. */
const soon = { timeout: 5_000 }
/** The edge worker fails at each run. */
const failAtEdge = (context: BrowserContext) =>
  context.route('**/edge.worker*.js', async (route) => {
    const response = await route.fetch()
    const fault = `addEventListener('message', ({ data }) => {
      if (data?.path?.[0] === 'run') throw new Error('injected')
    });`
    await route.fulfill({ response, body: fault + (await response.text()) })
  })

async function openOperatorsEndpoint() {
  const secret = 'a secret of thirty-two bytes or more'
  const endpoint = await createEndpoint({
    workers: 1,
    tokens: { secret, audience: 'ops' },
    plugins: [await openReports({ dataDir })],
  })
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  const token = (scope: string) =>
    new SignJWT({ scope })
      .setProtectedHeader({ alg: 'HS256' })
      .setAudience('ops')
      .setSubject('an operator')
      .setIssuedAt()
      .setExpirationTime('300s')
      .sign(new TextEncoder().encode(secret))
  return { url: `http://localhost:${port}/ops`, token, close: () => endpoint.close() }
}

/** Everything that the page's policy refused. */
async function watchViolations(page: Page): Promise<string[]> {
  const violations: string[] = []
  await page.exposeFunction('onViolation', (text: string) => violations.push(text))
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      (globalThis as unknown as { onViolation(text: string): void }).onViolation(`${violatedDirective} ${blockedURI}`),
    )
  })
  return violations
}

test('a failure forced on the edge is seen at /ops, without content', async ({ page, context }) => {
  await failAtEdge(context)
  const sent: { readonly reports: readonly object[] }[] = []
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/hither/v1/reports')) {
      const body = request.postDataBuffer()
      if (body !== null) sent.push(JSON.parse((body[0] === 0x7b ? body : gunzipSync(body)).toString()))
    }
  })
  await page.goto(site.url('privacy=prefer-edge'))
  const app = openAppPage(page)
  await app.becomesReady()
  await app.pick(7)
  await expect(app.badge).toHaveAttribute('data-arm', 'cloud')
  await untilSeen(context, () => expect.poll(async () => (await rows()).length, soon).toBeGreaterThan(0))

  // Traffic and database: nothing but what the report is made of, and no answer.
  const known = [
    'id',
    'atMs',
    'kind',
    'model',
    'revision',
    'backend',
    'adapter',
    'attempts',
    'ran',
    'reason',
    'actualMs',
  ]
  const more = ['predictedEdgeMs', 'predictedCloudMs', 'queueMs', 'computeMs', 'arm', 'code']
  for (const report of sent.flatMap(({ reports }) => reports)) {
    expect([...known, ...more]).toEqual(expect.arrayContaining(Object.keys(report)))
  }
  expect((await rows()).map(({ answer }) => answer).filter((answer) => answer !== null)).toEqual([])

  const operators = await openOperatorsEndpoint()
  try {
    const ops = await context.newPage()
    const violations = await watchViolations(ops)
    await ops.goto(operators.url)
    const give = async (scope: string) => {
      await ops.locator('input[type=password]').fill(await operators.token(scope))
      await ops.keyboard.press('Enter')
    }
    await give('infer:digits')
    await expect(ops.getByTestId('problem')).toContainText('ops')
    await give('ops')
    await expect(ops.getByTestId('failures').locator('[data-code=edge-crashed]')).toContainText('edge')
    await expect(ops.getByTestId('devices')).toHaveText('1')
    await expect(ops.getByTestId('revisions')).toContainText('digits@1')
    const [download] = await Promise.all([ops.waitForEvent('download'), ops.getByTestId('csv').click()])
    expect(readFileSync(await download.path(), 'utf8')).toContain('edge-crashed (edge)')
    for (const width of [1440, 768, 360]) {
      await ops.setViewportSize({ width, height: 800 })
      await expect
        .poll(() => ops.evaluate(() => document.documentElement.scrollWidth - innerWidth))
        .toBeLessThanOrEqual(0)
    }
    expect(violations).toEqual([])
  } finally {
    await operators.close()
  }
})

test('a failure forced in the cloud is told by the app in the endpoint’s own words', async ({ page }) => {
  await page.route('**/v2/models/digits/**/infer', (route) =>
    route.fulfill({
      status: 500,
      headers: { 'Access-Control-Allow-Origin': '*' },
      json: { error: 'The graphics processor is out of order.' },
    }),
  )
  await page.route('**/v2/models/digits/infer', (route) =>
    route.fulfill({
      status: 500,
      headers: { 'Access-Control-Allow-Origin': '*' },
      json: { error: 'The graphics processor is out of order.' },
    }),
  )
  await page.goto(site.url('privacy=cloud-only'))
  await page.getByTestId('sample-8').click()
  await expect(openAppPage(page).error).toContainText('The graphics processor is out of order.')
})

test('a closed region is not asked, and a withdrawn model is refused and freed, as soon as the device is online', async ({
  page,
  context,
}) => {
  await page.goto(site.url())
  const app = openAppPage(page)
  await app.becomesReady()
  await changeNotices(['--data', dataDir, '--close', site.endpointOrigin, '--why', 'Repairs.'], {})
  await untilSeen(context, async () => {
    await app.pick(3)
    await expect(app.why).toContainText('The operator said that the endpoint must not be used now', soon)
  })
  await expect(app.badge).toHaveAttribute('data-arm', 'edge')

  await changeNotices(['--data', dataDir, '--withdraw', 'digits@1', '--why', 'It took fours for nines'], {})
  await untilSeen(context, () => expect(app.modelStatus).toHaveAttribute('data-status', 'absent', soon))
  await page.getByTestId('sample-4').click()
  await expect(app.error).toContainText('It took fours for nines')
})

test('38: two tabs and the service worker send at once, and nothing arrives twice; the service worker sends alone', async ({
  page,
  context,
}) => {
  const other = await context.newPage()
  const tabs = [page, other]
  gate.closed = true
  for (const tab of tabs) {
    await tab.goto(site.url())
    const app = openAppPage(tab)
    await app.becomesReady()
    for (const digit of [1, 2]) await app.pick(digit)
  }
  await page.evaluate(async () => void (await navigator.serviceWorker.ready))
  // Refused: where the reports go is kept for the service worker.
  await untilSeen(context, () => expect.poll(() => gate.refused, soon).toBeGreaterThan(0))
  const session = await context.newCDPSession(await context.newPage())
  const registrations: { readonly registrationId: string; readonly scopeURL: string }[] = []
  session.on('ServiceWorker.workerRegistrationUpdated', (event) => registrations.push(...event.registrations))
  await session.send('ServiceWorker.enable')
  const registrationId = () => registrations.find(({ scopeURL }) => scopeURL.startsWith(site.origin))?.registrationId
  await expect.poll(registrationId).toBeDefined()
  const sync = () =>
    session.send('ServiceWorker.dispatchSyncEvent', {
      origin: site.origin,
      registrationId: registrationId() ?? '',
      tag: 'hither-outbox',
      lastChance: false,
    })
  expect(await rows()).toEqual([])
  gate.closed = false
  await Promise.all([sync(), comeBackOnline(context), sync()])
  await expect.poll(async () => (await rows()).length).toBe(4)
  expect(gate.said.flatMap(({ duplicates }) => duplicates)).toEqual([])

  Object.assign(gate, { closed: true, refused: 0 })
  await page.bringToFront()
  await openAppPage(page).pick(5)
  await untilSeen(context, () => expect.poll(() => gate.refused, soon).toBeGreaterThan(0))
  for (const tab of tabs) await tab.close()
  gate.closed = false
  await expect
    .poll(async () => {
      await sync()
      return (await rows()).length
    })
    .toBe(5)
})

test('of a request that had to stay on the device only its number is told', async ({ page, context }) => {
  await page.goto(site.url('privacy=edge-only'))
  const app = openAppPage(page)
  await app.becomesReady()
  await app.pick(7)
  const seen = async () => (await rows()).map(({ kind, model }) => [kind, model])
  await untilSeen(context, () => expect.poll(seen, soon).toEqual([['counts', null]]))
  const kept = Buffer.concat(readdirSync(dataDir).map((file) => readFileSync(join(dataDir, file))))
  expect(kept.includes('digits')).toBe(false)
})
