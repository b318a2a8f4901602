import { expect, test, vi } from 'vitest'
import type { Privacy } from '../../../contracts/route.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import type { EdgeEngine, EdgeRunOptions } from '../../../edge/edge-types.ts'
import { EdgeError } from '../../../errors/edge-error.ts'
import { createRouter } from '../../../routing/deciding/create-router.ts'
import { fakeManifest } from '../../../testing/fake-manifest.ts'
import { fakeRequestContext } from '../../../testing/fake-request-context.ts'
import { until } from '../../../testing/until.ts'
import type { RequestContext } from '../snapshot/request-context.ts'
import { runRequest } from './run-request.ts'

const manifest = await fakeManifest({ 'model.onnx': new Uint8Array(1) })
const inputs: TensorMap = { x: { type: 'uint8', dims: [1, 16], data: new Uint8Array(16) } }
const outputs: TensorMap = { y: { type: 'float32', dims: [1, 2], data: Float32Array.of(0.25, 0.75) } }
const answer = { outputs, backend: 'wasm', queueMs: 0, computeMs: 1, totalMs: 1 }
function deferred<T>() {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((onValue) => {
    resolve = onValue
  })
  return { promise, resolve }
}

/** A client's parts whose model is ready, and whose engine runs when it is let. */
function setUp(options: { readonly loaded?: boolean } = {}) {
  const looking = deferred<{ status: 'ready'; totalBytes: number; backend: 'wasm' }>()
  const running = deferred<typeof answer>()
  let waiting = 0
  const run = vi.fn((_: unknown, __: TensorMap, { signal }: EdgeRunOptions) => {
    waiting += 1
    return Promise.race([
      running.promise,
      new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
    ]).finally(() => (waiting -= 1))
  })
  const loaded = { backend: 'wasm', threads: 1, warmupMs: 20 }
  const edge = {
    ready: async () => {},
    forecast: () => loaded,
    loaded: () => (options.loaded === false ? undefined : loaded),
    waiting: () => waiting,
    busyForMs: () => 0,
    run,
  } as unknown as EdgeEngine
  const state = vi.fn(() => looking.promise)
  const router = createRouter()
  const decide = vi.spyOn(router, 'decide')
  const parts = {
    ...fakeRequestContext(),
    edge,
    edgeModels: { state, prepare: async () => loaded, loadingForMs: () => 0 },
    router,
    notices: { current: () => [], closed: () => undefined, start() {}, close() {} },
    watcher: { online: true, saveData: false, connection: undefined, onChange: () => () => {} },
    power: { savePower: false, onBattery: false, start() {}, stop() {} },
  } as unknown as RequestContext
  const look = () => looking.resolve({ status: 'ready', totalBytes: 1, backend: 'wasm' })
  const aborting = new AbortController()
  const ask = (privacy: Privacy) =>
    runRequest(parts, {
      manifest,
      inputs,
      privacy,
      signal: aborting.signal,
      startedAt: performance.now(),
      startedAtMs: 0,
      prepareMs: 0,
    })
  return { parts, run, running, look, state, decide, ask, aborting }
}

test('what must stay here begins before its record is looked at; its own run is not one it waits for', async () => {
  const { ask, run, running, look, state } = setUp()
  const asked = ask('edge-only')
  await until(() => run.mock.calls.length > 0 && state.mock.calls.length > 0)
  expect(run).toHaveBeenCalledTimes(1)
  look()
  running.resolve(answer)
  const { route } = await asked
  expect(route).toMatchObject({ ran: 'edge', reason: 'edge-only', known: { edgeWaiting: 0 } })
  expect(route.attempts).toMatchObject([{ arm: 'edge', result: 'answered' }])
  expect(run).toHaveBeenCalledTimes(1)
})

test.each([
  ['the arm is still to be decided', 'any', {}],
  ['the model is not ready', 'edge-only', { loaded: false }],
] as const)('nothing begins ahead where %s', async (_, privacy, options) => {
  const { ask, run, running, look, state } = setUp(options)
  const asked = ask(privacy)
  // A run ahead would begin before this look at the model.
  await until(() => state.mock.calls.length > 0)
  expect(run).not.toHaveBeenCalled()
  look()
  running.resolve(answer)
  expect((await asked).route.ran).toBe('edge')
})

test('an abort ends the run that began ahead, before it was planned and after', async () => {
  for (const isPlanned of [false, true]) {
    const { ask, run, look, state, decide, aborting } = setUp()
    const asked = ask('edge-only')
    await until(() => run.mock.calls.length > 0 && state.mock.calls.length > 0)
    if (isPlanned) look()
    await until(() => !isPlanned || decide.mock.results.length > 0)
    aborting.abort(new Error('enough'))
    look()
    await expect(asked).rejects.toThrow('enough')
    expect(run.mock.calls[0]?.[2].signal?.aborted).toBe(true)
  }
})

test('a plan that fails ends the run; a run that fails ahead is tried again with a new worker', async () => {
  const broken = setUp()
  Object.assign(broken.parts, {
    router: {
      ...broken.parts.router,
      decide() {
        throw new TypeError('a fault of the test')
      },
    },
  })
  broken.look()
  await expect(broken.ask('edge-only')).rejects.toThrow('a fault of the test')
  expect(broken.run.mock.calls[0]?.[2].signal?.aborted).toBe(true)

  const { ask, run, running, look } = setUp()
  run.mockRejectedValueOnce(new EdgeError('edge-crashed', 'It crashed.'))
  running.resolve(answer)
  look()
  expect((await ask('edge-only')).route.attempts.map(({ result }) => result)).toEqual(['failed', 'answered'])
})
