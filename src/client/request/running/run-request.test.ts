import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Manifest } from '../../../contracts/manifest.ts'
import { type Privacy, privacyModes } from '../../../contracts/route.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import type { EdgeEngine } from '../../../edge/edge-types.ts'
import { EdgeError } from '../../../errors/edge-error.ts'
import { isHitherError } from '../../../errors/hither-error.ts'
import type { NoArmError } from '../../../errors/no-arm-error.ts'
import { modelKey } from '../../../models/manifest/model-key.ts'
import { createDownloadRates } from '../../../network/download-rates.ts'
import { encodeInferResponse } from '../../../protocol/infer/infer-response.ts'
import { createRouter } from '../../../routing/deciding/create-router.ts'
import { createPreparationLearner } from '../../../routing/learning/preparation-learner.ts'
import { createRouteLearner } from '../../../routing/learning/route-learner.ts'
import { fakeManifest } from '../../../testing/fake-manifest.ts'
import { createCloudLink } from '../../cloud/cloud-link.ts'
import { createRoutesLog } from '../../routes-log.ts'
import { explainRequest } from '../explain-request.ts'
import type { RequestContext } from '../snapshot/request-context.ts'
import { runRequest } from './run-request.ts'

const manifest = await fakeManifest(
  { 'model.onnx': new Uint8Array(1) },
  {
    inputs: [{ name: 'x', type: 'uint8', shape: [1, 16] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1, 2] }],
  },
)
/** Bytes that stand for what a person gave: looked for in all that is sent. */
const secret = Uint8Array.from({ length: 16 }, (_, index) => 201 + index)
const inputs: TensorMap = { x: { type: 'uint8', dims: [1, 16], data: secret } }
const outputs: TensorMap = { y: { type: 'float32', dims: [1, 2], data: Float32Array.of(0.25, 0.75) } }
const online = { online: true, saveData: false, connection: undefined, onChange: () => () => {} }

const contains = (body: Uint8Array, part: Uint8Array) =>
  body.some((_, at) => part.every((byte, index) => body[at + index] === byte))

type Fault = 'none' | '500' | '429' | '413' | 'html' | 'json' | 'shape' | 'half' | 'gone'
const faults: readonly Fault[] = ['none', '500', '429', '413', 'html', 'json', 'shape', 'half', 'gone']

function answerWith(fault: Fault, right: TensorMap): Response {
  const answer = (over: TensorMap) =>
    encodeInferResponse({ modelName: manifest.name, outputs: over, binary: () => true })
  const { body, headers } = answer(right)
  if (fault === '500') return new Response('{"error":"broken"}', { status: 500 })
  if (fault === '429') return new Response('{"error":"busy"}', { status: 429, headers: { 'Retry-After': '60' } })
  if (fault === '413') return new Response('{"error":"too large"}', { status: 413 })
  if (fault === 'html') return new Response('<html>login</html>', { headers: { 'Content-Type': 'text/html' } })
  if (fault === 'json') return new Response('{"outputs": [{', { headers: { 'Content-Type': 'application/json' } })
  if (fault === 'half') return new Response(body.slice(0, body.length - 3), { headers: { ...headers } })
  if (fault === 'gone') throw new TypeError('Failed to fetch')
  const wrong = { y: { type: 'float32', dims: [1, 3], data: Float32Array.of(1, 2, 3) } } as const
  return fault === 'shape'
    ? new Response(answer(wrong).body, { headers: { ...answer(wrong).headers } })
    : new Response(body, { headers: { ...headers } })
}

/** A client's parts with two endpoints, all that they are sent, and an edge that fails when told to. */
function setUp() {
  const sent: { url: string; body: Uint8Array }[] = []
  const told = { cloud: 'none' as Fault, edgeFails: false, answer: outputs }
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    sent.push({ url, body: init.body instanceof Uint8Array ? init.body : new Uint8Array() })
    await Promise.resolve()
    if (url.endsWith('/infer')) return answerWith(told.cloud, told.answer)
    if (url.includes('/ready')) return new Response('{"ready":true}')
    if (url.endsWith('/v2')) return new Response('{"name":"s","version":"1","extensions":["binary_tensor_data"]}')
    return new Response('{}', { status: url.includes('capacity') ? 404 : 200 })
  })
  const run = vi.fn(async () => {
    if (told.edgeFails) throw new EdgeError('edge-crashed', 'It crashed.')
    return { outputs: told.answer, backend: 'wasm', queueMs: 0, computeMs: 1, totalMs: 1 }
  })
  const edge = {
    ready: async () => {},
    forecast: () => ({ backend: 'wasm', ms: 20 }),
    loaded: () => ({ backend: 'wasm', threads: 1, warmupMs: 20 }),
    waiting: () => 0,
    busyForMs: () => 0,
    run,
  } as unknown as EdgeEngine
  const parts: RequestContext = {
    edge,
    edgeModels: {
      state: async () => ({ status: 'ready', totalBytes: 1, backend: 'wasm' }),
      prepare: async () => edge.loaded(manifest),
      loadingForMs: () => 0,
    } as unknown as RequestContext['edgeModels'],
    clouds: ['https://a.example', 'https://b.example/x/'].map((url) => createCloudLink({ url }, online, () => {})),
    learner: createRouteLearner(),
    preparations: createPreparationLearner(),
    rates: createDownloadRates(),
    resources: { read() {} },
    sourcesOf: async () => [],
    onEdgeReady() {},
    router: createRouter(),
    notices: { current: () => [], closed: () => undefined, start() {}, close() {} },
    watcher: online,
    power: { savePower: false, onBattery: false, start() {}, stop() {} },
    unpackInputs: async (_, packed) => packed,
    downloadOnMetered: false,
  }
  const ask = (privacy: Privacy, deadlineMs?: number, model = manifest) =>
    runRequest(parts, {
      manifest: model,
      inputs,
      privacy,
      deadlineMs,
      signal: new AbortController().signal,
      startedAt: performance.now(),
      startedAtMs: 0,
      prepareMs: 0,
    })
  return { parts, sent, told, run, ask }
}

// What is fetched with a first request: under the fake timers it would come too late.
beforeAll(async () => {
  await Promise.all([import('../../../protocol/infer/infer-request.ts'), import('../../../cloud/read-answer.ts')])
})
beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** The request's end: its timers fire as they come due, and none is waited for. */
async function endOf<T>(request: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  let end: { value: T } | { error: unknown } | undefined
  request.then(
    (value) => (end = { value }),
    (error: unknown) => (end = { error }),
  )
  for (let round = 0; end === undefined && round < 500; round += 1) await vi.advanceTimersByTimeAsync(20)
  if (end === undefined) throw new Error('the request never ended')
  return end
}

test.each(faults.filter((fault) => fault !== 'none'))(
  'case 33: the cloud fails with %s and the edge answers',
  async (fault) => {
    const { ask, told, parts, run } = setUp()
    told.cloud = fault
    // The edge seems slow, so that the cloud is asked first.
    for (let index = 0; index < 20; index += 1)
      parts.learner.observeEdge(`${manifest.name}@${manifest.revision}`, 'wasm', 60_000)
    const end = await endOf(ask('any'))
    if (!('value' in end)) throw end.error
    expect(end.value.route).toMatchObject({ ran: 'edge', plan: { arm: 'cloud' } })
    expect(end.value.route.attempts[0]).toMatchObject({ arm: 'cloud' })
    expect(end.value.route.attempts[0]?.error).toMatch(/^cloud-/)
    expect(run).toHaveBeenCalledTimes(1)
  },
)

const wider: TensorMap = { y: { type: 'float32', dims: [2, 2], data: new Float32Array(4) } }
const anyRank = { ...manifest, outputs: [{ name: 'y', type: 'float32' as const }] }

test.each([
  ['the manifest says less', manifest, wider, undefined],
  ['the manifest leaves the dimensions open', anyRank, wider, wider],
  ['something comes beside it, unasked', manifest, { ...outputs, z: wider.y }, outputs],
] as const)('both arms take an answer by one rule: %s', async (_, model, answer, taken) => {
  for (const [privacy, code] of [
    ['edge-only', 'model-wrong-answer'],
    ['cloud-only', 'cloud-bad-response'],
  ] as const) {
    const { ask, told } = setUp()
    told.answer = answer as TensorMap
    const end = await endOf(ask(privacy, undefined, model))
    if (taken === undefined) {
      if (!('error' in end)) throw new Error(`${privacy} took it`)
      expect((end.error as NoArmError).attempts[0]).toMatchObject({ code })
    } else {
      if (!('value' in end)) throw end.error
      expect(Object.keys(end.value.outputs)).toEqual(Object.keys(taken))
      expect(end.value.outputs.y).toMatchObject({ dims: taken.y?.dims })
    }
  }
})

test.each([
  ['', false, false, 1],
  [', not while the browser saves data', true, false, 0],
  [', also while it saves data, when the site says so', true, true, 1],
] as const)('while the cloud answers the model comes here ahead of need%s', async (_, saveData, onMetered, times) => {
  const { parts, ask } = setUp()
  const prepare = vi.fn<(of: Manifest, options?: { priority?: string | undefined }) => Promise<never>>()
  prepare.mockRejectedValue(new TypeError('not here'))
  const state = async () => ({ status: 'absent' })
  const edgeModels = { state, prepare, loadingForMs: () => 0 } as unknown as RequestContext['edgeModels']
  const edge = { ...parts.edge, loaded: () => undefined }
  Object.assign(parts, { edge, edgeModels, watcher: { ...online, saveData }, downloadOnMetered: onMetered })
  const end = await endOf(ask('any'))
  if (!('value' in end)) throw end.error
  expect(end.value.route.ran).toBe('cloud')
  expect(prepare).toHaveBeenCalledTimes(times)
  for (const [, options] of prepare.mock.calls) expect(options?.priority).toBe('background')
})

test.each([
  ['ready later', false, 1],
  ['ready at the answer', true, 0],
] as const)('what a model that was %s would have taken here is measured', async (_, isReady, times) => {
  const { parts, ask } = setUp()
  let arrive = (_: { backend: 'wasm' }) => {}
  const arrival = new Promise<{ backend: 'wasm' }>((resolve) => {
    arrive = resolve
  })
  const state = async () => (isReady ? { status: 'ready', totalBytes: 1, backend: 'wasm' } : { status: 'absent' })
  const edgeModels = { state, prepare: () => arrival, loadingForMs: () => 0 }
  const onEdgeReady = vi.fn<RequestContext['onEdgeReady']>()
  // So slow here that the cloud answers.
  const forecast = () => ({ backend: 'wasm', ms: 90_000 })
  Object.assign(parts, { edgeModels, onEdgeReady, edge: { ...parts.edge, forecast, loaded: () => undefined } })
  const end = await endOf(ask('any'))
  if (!('value' in end)) throw end.error
  expect(end.value.route.ran).toBe('cloud')
  expect(onEdgeReady).not.toHaveBeenCalled()
  parts.learner.assumeEdge(modelKey(manifest), 'wasm', { mu: Math.log(20), variance: 0.01 })
  arrive({ backend: 'wasm' })
  await arrival
  await Promise.resolve()
  expect(onEdgeReady).toHaveBeenCalledTimes(times)
  for (const [id, ms] of onEdgeReady.mock.calls) {
    expect(id).toBe(end.value.route.id)
    // At least a run, after the answer came.
    expect(ms).toBeGreaterThan(20)
  }
})

test('a model that is the cloud’s by default is not fetched ahead of need, and is here the last resort', async () => {
  const { parts, ask, told } = setUp()
  const prepare = vi.fn(async () => parts.edge.loaded(manifest))
  const state = async () => ({ status: 'absent' })
  const edgeModels = { state, prepare, loadingForMs: () => 0 } as unknown as RequestContext['edgeModels']
  Object.assign(parts, { edgeModels, clouds: parts.clouds.slice(0, 1) })
  const large: Manifest = { ...manifest, defaultArm: 'cloud' }
  const end = await endOf(ask('any', undefined, large))
  if (!('value' in end)) throw end.error
  expect(end.value.route).toMatchObject({ ran: 'cloud', reason: 'cloud-by-default' })
  expect(prepare).not.toHaveBeenCalled()
  told.cloud = 'gone'
  const later = await endOf(ask('any', undefined, large))
  if (!('value' in later)) throw later.error
  expect(later.value.route).toMatchObject({ ran: 'edge', reason: 'cloud-failed' })
  expect(prepare).toHaveBeenCalledTimes(1)
})

test('both endpoints are arms: the second one answers when the first is gone and the edge may not', async () => {
  const { ask, sent, told } = setUp()
  const first = await endOf(ask('cloud-only'))
  if (!('value' in first)) throw first.error
  const name = first.value.route.endpoint
  vi.stubGlobal(
    'fetch',
    ((before) => async (url: string, init: RequestInit) => {
      if (url.startsWith(String(name))) throw new TypeError('Failed to fetch')
      return before(url, init)
    })(globalThis.fetch as (url: string, init: RequestInit) => Promise<Response>),
  )
  const second = await endOf(ask('cloud-only'))
  if (!('value' in second)) throw second.error
  expect(second.value.route.ran).toBe('cloud')
  expect(second.value.route.endpoint).not.toBe(name)
  expect(told.cloud).toBe('none')
  expect(sent.some(({ url }) => url.startsWith('https://b.example/x/v2/'))).toBe(true)
})

test('the record tells what was known, predicted, planned and done, exports as JSON lines, and holds no content', async () => {
  const { ask } = setUp()
  const end = await endOf(ask('any', 5_000))
  if (!('value' in end)) throw end.error
  const { route } = end.value
  expect(route.known).toMatchObject({ online: true, edgeStatus: 'ready', requestBytes: 616 })
  expect(route.known?.links.map(({ endpoint }) => endpoint)).toEqual(['https://a.example', 'https://b.example/x'])
  expect(route.arms?.map(({ arm }) => arm)).toEqual(['edge', 'cloud', 'cloud'])
  for (const { meanMs, p90Ms } of route.arms ?? []) expect(p90Ms).toBeGreaterThan(meanMs * 0.5)
  const log = createRoutesLog()
  log.add(route)
  log.add(route)
  const lines = log.toJsonLines().trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line))).toEqual([route, route])
  for (let index = 0; index < 1_200; index += 1) log.add(route)
  expect(log.list()).toHaveLength(1_000)
  expect(contains(new TextEncoder().encode(log.toJsonLines()), secret)).toBe(false)
})

test('whatever fails, a request has one end, and nothing of an edge-only one is sent: not even a question (case 51)', async () => {
  const step = fc.record({
    privacy: fc.constantFrom(...privacyModes),
    cloud: fc.constantFrom(...faults),
    edgeFails: fc.boolean(),
    explain: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const { ask, sent, told, parts } = setUp()
      for (const { privacy, cloud, edgeFails, explain } of steps) {
        // What the last request still asks beside it is its own.
        await vi.advanceTimersByTimeAsync(20_000)
        Object.assign(told, { cloud, edgeFails })
        const before = sent.length
        if (explain) await explainRequest(parts, manifest, { privacy }).catch(() => {})
        const end = await endOf(ask(privacy))
        if ('error' in end) expect(isHitherError(end.error)).toBe(true)
        else expect(end.value.outputs.y?.data).toEqual(Float32Array.of(0.25, 0.75))
        if (privacy === 'edge-only') {
          await vi.advanceTimersByTimeAsync(20_000)
          expect(sent.slice(before)).toEqual([])
        }
        if (privacy === 'cloud-only' && 'value' in end) expect(end.value.route.ran).toBe('cloud')
      }
      vi.unstubAllGlobals()
    }),
    { numRuns: 40 },
  )
})

test('an edge-only request that were planned for an endpoint would still not go there', async () => {
  const { parts, ask, sent } = setUp()
  const plan = {
    arm: 'cloud',
    endpoint: 'https://a.example',
    model: 'm',
    reason: 'cloud-faster',
    fallbacks: [],
    predicted: {},
    arms: [],
  } as const
  Object.assign(parts, { router: { ...parts.router, decide: () => plan } })
  expect(await endOf(ask('edge-only'))).toMatchObject({ error: expect.any(TypeError) })
  expect(sent).toEqual([])
})

test('case 32: offline and without the model, the error comes at once: no time is waited for', async () => {
  const { parts, ask, sent } = setUp()
  Object.assign(parts, {
    watcher: { ...online, online: false },
    edgeModels: {
      state: async () => ({ status: 'absent' }),
      loadingForMs: () => 0,
    } as unknown as RequestContext['edgeModels'],
  })
  // The test's timers stand still: what waited for one would never end.
  await expect(ask('any')).rejects.toMatchObject({ code: 'no-arm', message: expect.stringContaining('offline') })
  await expect(ask('cloud-only')).rejects.toMatchObject({ code: 'no-arm' })
  expect(sent.filter(({ url }) => url.endsWith('/infer'))).toEqual([])
})

test('the router is told how long a run holds this device, and how long it would wait', async () => {
  const { parts, ask } = setUp()
  parts.edge.waiting = () => 3
  const decide = vi.spyOn(parts.router, 'decide')
  await endOf(ask('prefer-edge'))
  const { busyMs = 0, waitMs } = decide.mock.calls[0]?.[0].edge ?? {}
  expect(busyMs).toBeGreaterThan(10)
  expect(waitMs).toBeCloseTo(3 * busyMs, 6)
})
