import { expect, type Page, test } from '@playwright/test'
import type { Hither } from './plain-project/main.ts'
import { writeHeavyModel } from './support/heavy-model.ts'
import { buildPlainProject } from './support/plain-project.ts'
import { openSite, type Site } from './support/site.ts'
import { slowProcessor } from './support/slow-processor.ts'

declare const hither: Hither

let project: ReturnType<typeof buildPlainProject>
let heavy: Awaited<ReturnType<typeof writeHeavyModel>>
let site: Site

test.beforeAll(async () => {
  test.setTimeout(180_000)
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
  const full = await run(page, { privacy: 'edge-only' })
  if (!('route' in full)) throw new Error(full.error.join(' '))
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
    expect(edgeMs).toBeGreaterThan(3 * full.route.actualMs)
    // Stopped for 95 ms at a time, one answer of the cloud may look slow enough to try the edge once more.
    expect(reasons.filter((reason) => reason === 'cloud cloud-faster').length, reasons.join()).toBeGreaterThanOrEqual(4)
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

test('an endpoint that never answers ends at the deadline, and the next request works', async ({ page }) => {
  await page.route('**/infer', () => {})
  await openClient(page)
  expect(await run(page, { privacy: 'cloud-only', deadlineMs: 500 })).toMatchObject({
    error: ['NoArmError', 'deadline-exceeded', expect.any(String)],
  })
  await page.unroute('**/infer')
  expect(await run(page, { privacy: 'cloud-only' })).toMatchObject({ route: { ran: 'cloud' } })
  await page.evaluate(() => hither.client?.close())
  expect(await run(page)).toMatchObject({ error: ['ConfigError', 'client-closed', expect.any(String)] })
})
