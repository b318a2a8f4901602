import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Manifest } from '../../../contracts/manifest.ts'
import { privacyModes } from '../../../contracts/route.ts'
import type { TensorMap, TensorType } from '../../../contracts/tensor.ts'
import { isHitherError } from '../../../errors/hither-error.ts'
import type { NoArmError } from '../../../errors/no-arm-error.ts'
import { modelKey } from '../../../models/manifest/model-key.ts'
import { numericData } from '../../../protocol/tensors/tensor-numbers.ts'
import { onlineWatcher } from '../../../testing/fake-request-context.ts'
import {
  contains,
  endOf,
  faults,
  manifest,
  openRequests,
  outputs,
  secret,
} from '../../../testing/requests-under-test.ts'
import { createRoutesLog } from '../../routes-log.ts'
import { explainRequest } from '../explain-request.ts'
import type { RequestContext } from '../snapshot/request-context.ts'

// What is fetched with a first request: under the fake timers it would come too late.
beforeAll(async () => {
  await Promise.all([import('../../../protocol/infer/infer-request.ts'), import('../../../cloud/read-answer.ts')])
})
beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test.each(faults.filter((fault) => fault !== 'none'))(
  'case 33: the cloud fails with %s and the edge answers',
  async (fault) => {
    const { ask, told, parts, run } = openRequests()
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
    const { ask, told } = openRequests()
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

const widened = (type: TensorType): TensorMap => {
  const data = type === 'string' ? ['0', '1'] : numericData(type, [0, 1])
  return { y: { type, dims: [1, 2], data } }
}

// A page that reads an answer counts on its type: a double is no float, nor is a BigInt a number.
test.each([
  ['float32', 'float64'],
  ['float32', 'float16'],
  ['float16', 'float32'],
  ['int32', 'int64'],
  ['int64', 'int32'],
  ['bool', 'uint8'],
  ['uint8', 'bool'],
  ['float32', 'string'],
  ['int64', 'int64'],
  ['string', 'string'],
] as const)('both arms hold an answer’s type against the manifest: %s is said, %s comes', async (said, came) => {
  const model = { ...manifest, outputs: [{ name: 'y', type: said, shape: [1, 2] }] }
  for (const [privacy, kind, code] of [
    ['edge-only', 'ModelError', 'model-wrong-answer'],
    ['cloud-only', 'CloudError', 'cloud-bad-response'],
  ] as const) {
    const { ask, told } = openRequests()
    told.answer = widened(came)
    const end = await endOf(ask(privacy, undefined, model))
    if (said === came) {
      if (!('value' in end)) throw end.error
      expect(end.value.outputs.y?.type).toBe(said)
    } else {
      if (!('error' in end)) throw new Error(`${privacy} took it`)
      expect((end.error as NoArmError).attempts[0]).toMatchObject({
        name: kind,
        code,
        message: expect.stringMatching(new RegExp(`output y of fake is ${came}.* should be ${said}`)),
        context: { output: 'y', got: came, expected: said },
      })
    }
  }
})

test.each([
  ['', false, false, 1],
  [', not while the browser saves data', true, false, 0],
  [', also while it saves data, when the site says so', true, true, 1],
] as const)('while the cloud answers the model comes here ahead of need%s', async (_, saveData, onMetered, times) => {
  const { parts, ask } = openRequests()
  const prepare = vi.fn<(of: Manifest, options?: { priority?: string | undefined }) => Promise<never>>()
  prepare.mockRejectedValue(new TypeError('not here'))
  const state = async () => ({ status: 'absent' })
  const edgeModels = { state, prepare, loadingForMs: () => 0 } as unknown as RequestContext['edgeModels']
  // So slow here that the cloud answers.
  const forecast = () => ({ backend: 'wasm', ms: 90_000 })
  const edge = { ...parts.edge, forecast, loaded: () => undefined }
  Object.assign(parts, { edge, edgeModels, watcher: { ...onlineWatcher, saveData }, downloadOnMetered: onMetered })
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
  const { parts, ask } = openRequests()
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
  const { parts, ask, told } = openRequests()
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
  const { ask, sent, told } = openRequests()
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
  const { ask } = openRequests()
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
      const { ask, sent, told, parts } = openRequests()
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
  const { parts, ask, sent } = openRequests()
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
  const { parts, ask, sent } = openRequests()
  Object.assign(parts, {
    watcher: { ...onlineWatcher, online: false },
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
  const { parts, ask } = openRequests()
  parts.edge.waiting = () => 3
  const decide = vi.spyOn(parts.router, 'decide')
  await endOf(ask('prefer-edge'))
  const { busyMs = 0, waitMs } = decide.mock.calls[0]?.[0].edge ?? {}
  expect(busyMs).toBeGreaterThan(10)
  expect(waitMs).toBeCloseTo(3 * busyMs, 6)
})
