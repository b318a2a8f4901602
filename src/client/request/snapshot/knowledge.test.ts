import { afterEach, expect, test, vi } from 'vitest'
import { privacyModes } from '../../../contracts/route.ts'
import { modelKey } from '../../../models/manifest/model-key.ts'
import { fakeManifest } from '../../../testing/fake-manifest.ts'
import { fakeRequestContext, onlineWatcher, stubEdge } from '../../../testing/fake-request-context.ts'
import { meanOf } from '../../../utils/log-normal.ts'
import { createCloudLink } from '../../cloud/cloud-link.ts'
import { explainRequest } from '../explain-request.ts'
import { askEndpoints, readKnowledge, refreshKnowledge } from './knowledge.ts'

const manifest = await fakeManifest({ 'model.onnx': new Uint8Array(1) })
const key = modelKey(manifest)

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

/** A context with one endpoint whose requests are counted, and a run under way there that has long been silent. */
function setUp() {
  const sent: string[] = []
  vi.stubGlobal('fetch', async (url: string) => {
    sent.push(url)
    return new Response('{}', { status: url.includes('capacity') ? 404 : 200 })
  })
  const clock = vi.spyOn(Date, 'now').mockReturnValue(1e12)
  const start = vi.fn()
  const notices = { current: () => [], closed: vi.fn(), start, close() {} }
  const context = fakeRequestContext({
    notices,
    clouds: [createCloudLink({ url: 'https://a.example' }, onlineWatcher, () => {})],
  })
  const [cloud] = context.clouds
  if (cloud === undefined) throw new TypeError('there is an endpoint')
  cloud.overdue.sent({ requestBytes: 1e6, slowAfterMs: 1_000 })
  clock.mockReturnValue(1e12 + 60_000)
  const learned = () =>
    JSON.stringify([
      context.learner.snapshot(),
      context.learner.edgeTime({ model: key, backend: 'wasm' }).mu,
      cloud.learner.snapshot(),
      cloud.link.snapshot(),
      cloud.hasModel(manifest.name),
      context.router.snapshot(),
    ])
  return { context, cloud, sent, start, notices, learned }
}

test('an explanation asks no endpoint, starts no poll and changes no estimate', async () => {
  for (const privacy of privacyModes) {
    const { context, sent, start, learned } = setUp()
    const before = learned()
    const explanation = await explainRequest(context, manifest, { privacy })
    expect(explanation.arms?.length).toBeGreaterThan(0)
    await new Promise((resolve) => setTimeout(resolve))
    expect(sent).toEqual([])
    expect(start).not.toHaveBeenCalled()
    expect(learned()).toBe(before)
  }
})

test('an explanation of a model that never ran goes by its prediction, as the request itself would', async () => {
  const context = fakeRequestContext({
    edge: stubEdge({}, { forecast: () => ({ backend: 'wasm', ms: 900 }), loaded: () => undefined }),
  })
  const { predicted } = await explainRequest(context, manifest, { privacy: 'any' })
  const after = await refreshKnowledge(context, manifest, 'any')
  expect(predicted.edge?.meanMs).toBeGreaterThan(800)
  expect(after.edge.prior && meanOf(after.edge.prior)).toBeGreaterThan(800)
})

test('a request has the endpoints asked, the poll started and the links learn from silence', async () => {
  const { context, cloud, sent, start } = setUp()
  const before = cloud.link.estimate().uplink.mu
  const knowledge = await refreshKnowledge(context, manifest, 'any')
  expect(start).toHaveBeenCalled()
  await expect.poll(() => sent.some((url) => url.endsWith('/v2/health/live'))).toBe(true)
  await expect.poll(() => sent.some((url) => url.includes(`/v2/models/${manifest.name}`))).toBe(true)
  expect(cloud.link.estimate().uplink.mu).toBeLessThan(before)
  expect(knowledge.clouds.map(({ name }) => name)).toEqual(['https://a.example'])
})

test('a request keeps the prediction that its first measured time is weighed against', async () => {
  const edge = stubEdge({}, { forecast: () => ({ backend: 'wasm', ms: 900 }), loaded: () => undefined })
  const context = fakeRequestContext({ edge })
  await readKnowledge(context, manifest, 'any')
  const unknown = meanOf(context.learner.edgeTime({ model: key, backend: 'wasm' }))
  expect(unknown).toBeLessThan(300)
  await refreshKnowledge(context, manifest, 'any')
  expect(meanOf(context.learner.edgeTime({ model: key, backend: 'wasm' }))).toBeGreaterThan(800)
})

test('an edge-only request asks nothing and knows of no endpoint', async () => {
  const { context, sent, start } = setUp()
  expect((await refreshKnowledge(context, manifest, 'edge-only')).clouds).toEqual([])
  await askEndpoints(context, manifest.name, 'edge-only')
  expect(sent).toEqual([])
  expect(start).not.toHaveBeenCalled()
})

test('a cloud-only request does not wait for this device', async () => {
  const ready = vi.fn(() => new Promise<void>(() => {}))
  const context = fakeRequestContext({ edge: stubEdge({}, { ready }) })
  expect((await readKnowledge(context, manifest, 'cloud-only')).edge.state).toEqual({ status: 'absent' })
  expect(ready).not.toHaveBeenCalled()
})

test('a closed endpoint is not asked, and what its operator said is known', async () => {
  const { context, sent, notices } = setUp()
  const notice = { kind: 'region-down', endpoint: 'https://a.example' } as const
  notices.closed.mockReturnValue(notice)
  const knowledge = await refreshKnowledge(context, manifest, 'any')
  expect([knowledge.clouds, knowledge.closed]).toEqual([[], [notice]])
  expect(sent).toEqual([])
})

test('asking the endpoints ends when they have answered, however they did', async () => {
  const { context, cloud } = setUp()
  vi.stubGlobal('fetch', async (url: string) => {
    if (url.endsWith('/ready')) return new Response('{"ready":true}')
    throw new TypeError('Failed to fetch')
  })
  await askEndpoints(context, manifest.name, 'any')
  expect(cloud.hasModel(manifest.name)).toBe(true)
})

test('what is foretold of a model that is not here follows its server’s downloads, and says when it was measured', async () => {
  const { link } = createCloudLink(
    { url: 'https://a.example' },
    { ...onlineWatcher, connection: { downlink: 1.45 } },
    () => {},
  )
  const [cloud] = fakeRequestContext({}, ['https://a.example']).clouds
  const bytes = 3e6
  const large = { ...manifest, files: [{ path: 'model.onnx', bytes, sha256: 'x' }] }
  const context = fakeRequestContext({
    edge: stubEdge({}, { loaded: () => undefined, forecast: () => ({ backend: 'wasm', ms: 5, runtimes: [] }) }),
    edgeModels: { state: async () => ({ status: 'absent' }), loadingForMs: () => 0 } as never,
    clouds: cloud === undefined ? [] : [{ ...cloud, link }],
    sourcesOf: async () => [{ origin: 'https://models.example', bytes }],
  })
  const explained = () => explainRequest(context, large, { privacy: 'any' })
  const before = await explained()
  // By the browser's guess of 1.45 Mbit/s alone.
  expect(before.predicted.edge?.meanMs).toBeGreaterThan(15_000)
  expect(before.known).toMatchObject({
    edgeMeasured: false,
    preparation: { remainingBytes: bytes, rateMeasured: false },
  })
  context.rates.observe({ origin: 'https://models.example', bytes: 2e6, ms: 200, kind: 'download' })
  context.preparations.observeLoad({ totalBytes: bytes, runMs: 5, ms: 200 })
  const after = await explained()
  expect(after.predicted.edge?.meanMs).toBeLessThan(1_500)
  expect(after.predicted.edge?.p90Ms).toBeLessThan(2_500)
  expect(after.known).toMatchObject({ edgeMeasured: true, preparation: { rateMeasured: true } })
})

test('a request reads the page’s own files first, an explanation does not', async () => {
  const read = vi.fn()
  const context = fakeRequestContext({ resources: { read } })
  await explainRequest(context, manifest, { privacy: 'any' })
  expect(read).not.toHaveBeenCalled()
  await refreshKnowledge(context, manifest, 'any')
  expect(read).toHaveBeenCalledTimes(1)
})
