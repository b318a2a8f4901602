import { expect, type Page, test } from '@playwright/test'
import type { Hither } from './plain-project/main.ts'
import { cloudFaults, spoilEndpoint } from './support/cloud-faults.ts'
import { writeHeavyModel } from './support/heavy-model.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { openSite, type Site } from './support/site.ts'
import { slowProcessor } from './support/slow-processor.ts'

declare const hither: Hither

interface Aborted {
  readonly abort: AbortController
  readonly ends: Promise<unknown[]>
  readonly routes: string[]
}

let project: ReturnType<typeof buildPlainProject>
let heavy: Awaited<ReturnType<typeof writeHeavyModel>>
let site: Site

test.beforeAll(async () => {
  project = buildPlainProject()
  heavy = await writeHeavyModel()
  site = await openSite({
    appDir: project.appDir,
    modelsDir: heavy.modelsDir,
    link: { roundTripMs: 4, bitsPerSecond: 200e6 },
  })
})
test.afterAll(async () => {
  await site.close()
  heavy.remove()
})

const openClient = async (page: Page, endpoint: string | undefined = site.endpointOrigin) => {
  await page.goto(site.origin)
  await page.evaluate((url) => hither.open(url ? { endpoint: { url } } : {}), endpoint)
}
const run = (page: Page, options = {}, model = 'heavy', dims = heavy.dims) =>
  page.evaluate(([name, shape, given]) => hither.run(name, shape, given), [model, dims, options] as const)

test('a processor slowed twenty times on a fast link sends its requests to the cloud', async ({ page, browser }) => {
  await openClient(page)
  await page.evaluate(() => hither.client?.prepare('heavy'))
  await run(page, { privacy: 'cloud-only' })
  // What else the machine does makes a run slower, and never faster: the fastest of several is the device's own speed.
  const fullMs: number[] = []
  for (let request = 0; request < 5; request += 1) {
    const full = await run(page, { privacy: 'edge-only' })
    if (!('route' in full)) throw new Error(full.error.join(' '))
    fullMs.push(full.route.actualMs)
  }
  const giveBack = await slowProcessor(browser, 20)
  try {
    // A few requests that must stay here show how slow the device has become.
    for (let request = 0; request < 6; request += 1) await run(page, { privacy: 'edge-only' })
    const reasons: string[] = []
    let edgeMs = 0
    for (let request = 0; request < 5; request += 1) {
      const answer = await run(page)
      if (!('route' in answer)) throw new Error(answer.error.join(' '))
      reasons.push(`${answer.route.ran} ${answer.route.reason}`)
      edgeMs = answer.route.predicted.edge?.meanMs ?? 0
    }
    expect(edgeMs).toBeGreaterThan(3 * Math.min(...fullMs))
    // Stopped for 95 ms at a time, one answer of the cloud may look slow enough to try the edge once more.
    const toCloud = reasons.filter((reason) => /^cloud cloud-(faster|safer)$/.test(reason))
    expect(toCloud.length, reasons.join()).toBeGreaterThanOrEqual(4)
  } finally {
    giveBack()
  }
})

test('the packed library answers on both arms alike', async ({ page }) => {
  await openClient(page)
  const edge = await run(page, { privacy: 'edge-only' })
  const cloud = await run(page, { privacy: 'cloud-only' })
  expect(edge).toMatchObject({ route: { ran: 'edge', backend: 'wasm' } })
  expect(cloud).toMatchObject({ route: { ran: 'cloud' } })
  if (!('first' in edge && 'first' in cloud)) throw new Error('no answers')
  expect(Number.isFinite(edge.first)).toBe(true)
  expect(Math.abs(edge.first - cloud.first)).toBeLessThan(1e-3)
})

test('bad input is a typed error, and the next request works', async ({ page }) => {
  await openClient(page, '')
  expect(await run(page, {}, 'no-such-model')).toMatchObject({
    error: ['ValidationError', 'unknown-model', expect.stringContaining('"heavy"')],
  })
  expect(await run(page, {}, 'heavy', [1, 1, 2, 2])).toMatchObject({
    error: ['ValidationError', 'input-shape', expect.any(String)],
  })
  expect(await run(page, { deadlineMs: -1 })).toMatchObject({
    error: ['ValidationError', 'options-invalid', expect.any(String)],
  })
  expect(await run(page, { privacy: 'cloud-only' })).toMatchObject({
    error: ['NoArmError', 'no-arm', expect.any(String)],
  })
  expect(
    await page.evaluate(() =>
      hither.settle((client, Tensor) =>
        client.run('heavy', { x: new Tensor('uint8', new Uint8Array(4096), [1, 1, 64, 64]) }),
      ),
    ),
  ).toMatchObject({ error: ['ValidationError', 'input-type', expect.any(String)] })
  expect(await run(page)).toMatchObject({ route: { ran: 'edge', reason: 'no-endpoint' } })
})

test('a manifest that lies about its file is refused, and the honest one works', async ({ page }) => {
  await page.route('**/manifest.json', async (route) => {
    const response = await route.fetch()
    const manifest = await response.json()
    manifest.files[0].sha256 = '0'.repeat(64)
    await route.fulfill({ response, json: manifest })
  })
  await openClient(page, '')
  expect(await run(page)).toMatchObject({
    error: ['NoArmError', 'no-arm', expect.any(String), 'download-wrong-hash', 'download-wrong-hash'],
  })
  await page.unroute('**/manifest.json')
  await openClient(page, '')
  expect(await run(page)).toMatchObject({ route: { ran: 'edge' } })
})

test('an endpoint that never answers ends when the time is over, and the next request works', async ({ page }) => {
  await page.route('**/infer', () => {})
  await openClient(page)
  expect(await run(page, { privacy: 'cloud-only', timeoutMs: 500 })).toMatchObject({
    error: ['NoArmError', 'deadline-exceeded', expect.any(String)],
  })
  await page.unroute('**/infer')
  expect(await run(page, { privacy: 'cloud-only' })).toMatchObject({ route: { ran: 'cloud' } })
  await page.evaluate(() => hither.client?.close())
  expect(await run(page)).toMatchObject({ error: ['ConfigError', 'client-closed', expect.any(String)] })
})

test('33: whatever the endpoint does, a request is answered here, or is a typed error, and then the endpoint is left alone', async ({
  page,
}) => {
  const endpoint = await spoilEndpoint(page)
  await openClient(page)
  await page.evaluate(() => hither.client?.prepare('heavy'))
  await run(page, { privacy: 'cloud-only' })
  for (const fault of cloudFaults) {
    endpoint.fault = fault
    const answer = await run(page)
    expect(answer, fault).toMatchObject({ route: { ran: 'edge' } })
  }
  // Another page, so that no breaker of the last one counts.
  for (const fault of ['500', 'no JSON', 'wrong shape', 'half an answer'] as const) {
    endpoint.fault = fault
    await openClient(page)
    expect(await run(page, { privacy: 'cloud-only' }), fault).toMatchObject({
      error: expect.arrayContaining(['NoArmError', 'no-arm', expect.stringMatching(/^cloud-/)]),
    })
  }
  for (let request = 0; request < 2; request += 1) await run(page, { privacy: 'cloud-only' })
  const before = endpoint.sent.length
  expect(await run(page)).toMatchObject({ route: { ran: 'edge', reason: 'cloud-set-aside' } })
  expect(endpoint.sent.length).toBe(before)
})

test('34: an abort stops both sides, and nothing comes later', async ({ page }) => {
  const endpoint = await spoilEndpoint(page)
  endpoint.fault = 'silence'
  const cancelled: string[] = []
  page.on('requestfailed', (request) => cancelled.push(request.url()))
  await openClient(page)
  await page.evaluate(() => hither.client?.prepare('heavy'))
  await page.evaluate(
    (dims) =>
      hither.settle(async (client, Tensor) => {
        const routes: string[] = []
        client.on('route', ({ id }) => routes.push(id))
        const abort = new AbortController()
        const x = () => new Tensor('float32', new Float32Array(64 * 64), dims)
        const sent = client.run('heavy', { x: x() }, { signal: abort.signal, privacy: 'cloud-only' })
        const here = client.run('heavy', { x: x() }, { signal: abort.signal, privacy: 'edge-only' })
        const ends = Promise.all(
          [sent, here].map((each) => each.then(() => 'an answer').catch((error: unknown) => error)),
        )
        Object.assign(globalThis, { aborted: { abort, ends, routes } })
      }),
    heavy.dims,
  )
  await expect.poll(() => endpoint.sent.length).toBe(1)
  const seen = await page.evaluate(
    (dims) =>
      hither.settle(async (client, Tensor) => {
        const { abort, ends, routes } = (globalThis as unknown as { aborted: Aborted }).aborted
        const reason = new Error('enough')
        abort.abort(reason)
        const [sent, here] = await ends
        // One that comes after both have gone to their end.
        const x = new Tensor('float32', new Float32Array(64 * 64), dims)
        const { route } = await client.run('heavy', { x }, { privacy: 'edge-only' })
        return { sent: sent === reason, here: here === reason || here === 'an answer', routes, id: route.id }
      }),
    heavy.dims,
  )
  if ('error' in seen) throw new Error(seen.error.join(' '))
  // The run here may have been done before the endpoint was asked; what follows an abort is what counts.
  expect(seen).toMatchObject({ sent: true, here: true })
  expect(seen.routes.at(-1)).toBe(seen.id)
  expect(seen.routes.length).toBeLessThanOrEqual(2)
  await expect.poll(() => cancelled.filter((url) => url.endsWith('/infer')).length).toBe(1)
})

test('35: with a silent endpoint each request has one answer, from here, and what was sent is cut off', async ({
  page,
}) => {
  const endpoint = await spoilEndpoint(page)
  await openClient(page)
  await page.evaluate(() => hither.client?.prepare('heavy'))
  for (let request = 0; request < 3; request += 1) await run(page, { privacy: 'cloud-only' })
  endpoint.fault = 'silence'
  const sentBefore = endpoint.sent.length
  const requests = 8
  const seen = await page.evaluate(
    ([dims, count]) =>
      hither.settle(async (client, Tensor) => {
        const routes: { id: string; ran: string; answered: number; lost: number }[] = []
        client.on('route', ({ id, ran, attempts }) => {
          const ends = attempts.map(({ result }) => result)
          const [answered, lost] = ['answered', 'lost'].map((end) => ends.filter((each) => each === end).length)
          routes.push({ id, ran, answered: answered ?? 0, lost: lost ?? 0 })
        })
        const ids: string[] = []
        for (let index = 0; index < count; index += 1) {
          const { route } = await client.run('heavy', { x: new Tensor('float32', new Float32Array(4096), dims) })
          ids.push(route.id)
        }
        return { ids, routes }
      }),
    [heavy.dims, requests] as const,
  )
  if ('error' in seen) throw new Error(seen.error.join(' '))
  expect(seen.routes.map(({ id }) => id)).toEqual(seen.ids)
  expect(new Set(seen.ids).size).toBe(requests)
  for (const { ran, answered } of seen.routes) expect([ran, answered]).toEqual(['edge', 1])
  const lost = seen.routes.reduce((sum, route) => sum + route.lost, 0)
  expect(endpoint.sent.length - sentBefore).toBeGreaterThanOrEqual(lost)
})

test('51: what must stay here is not sent, said or kept elsewhere, even when this device fails', async ({ page }) => {
  const endpoint = await spoilEndpoint(page)
  const said: string[] = []
  const asked: string[] = []
  page.on('console', (message) => said.push(message.text()))
  page.on('request', (request) => {
    if (request.url().startsWith(site.endpointOrigin)) asked.push(request.url())
  })
  await page.route('**/*.wasm', (route) => route.abort())
  await openClient(page)
  const failed = await run(page, { privacy: 'edge-only' })
  expect(failed).toMatchObject({
    error: ['NoArmError', 'no-arm', expect.any(String), ...Array(2).fill(expect.any(String))],
  })
  expect(endpoint.sent).toEqual([])
  expect(asked.filter((url) => url.includes('/v2'))).toEqual([])
  expect(said.filter((text) => text.includes('0.5'))).toEqual([])
  await page.unroute('**/*.wasm')
  await openClient(page)
  expect(await run(page, { privacy: 'edge-only' })).toMatchObject({ route: { ran: 'edge' } })
  expect(endpoint.sent).toEqual([])
})
