import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Manifest } from '../contracts/manifest.ts'
import type { BackendMeasurement } from '../contracts/measurements.ts'
import { describeBackend } from '../testing/describe-backend.ts'
import { fakeManifest } from '../testing/fake-manifest.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { createCrashMarks } from './crash-marks.ts'
import { createEdge, type EdgeOptions } from './create-edge.ts'
import { openEdgeSession } from './edge-session.ts'
import type { EdgeEngine } from './edge-types.ts'
import { toSessionPlan } from './session-plan.ts'

const value = (name: string, shape: number[] = [-1]) => ({ name, type: 'float32' as const, shape })
const tensor = (...values: number[]) => ({
  type: 'float32' as const,
  dims: [values.length],
  data: Float32Array.from(values),
})

interface TestModel {
  readonly manifest: Manifest
  readonly graph: Uint8Array
}

/** y = x + x. */
async function doubling(name: string, changes: Partial<Manifest> = {}): Promise<TestModel> {
  const graph = tinyOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['n'] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['n'] }],
    nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
    opset: 17,
  })
  return {
    graph,
    manifest: await fakeManifest(
      { 'model.onnx': graph },
      { name, inputs: [value('x')], outputs: [value('y')], ...changes },
    ),
  }
}

/** total = y + sum; the next run's sum is this one's total. The state has as many elements as `size` says. */
async function summing(size = 1): Promise<TestModel> {
  const graph = tinyOnnx({
    inputs: [
      { name: 'y', type: 'float32', shape: [1] },
      { name: 'sum', type: 'float32', shape: [size] },
    ],
    outputs: [{ name: 'total', type: 'float32', shape: [size] }],
    nodes: [{ op: 'Add', inputs: ['sum', 'y'], outputs: ['total'] }],
    opset: 17,
  })
  const manifest = await fakeManifest(
    { 'model.onnx': graph },
    {
      name: `summing-${size}`,
      inputs: [value('y', [1]), value('sum', [size])],
      outputs: [value('total', [size])],
      state: [{ input: 'sum', output: 'total', shape: [size] }],
    },
  )
  return { graph, manifest }
}

const workers: Worker[] = []
let edges: EdgeEngine[] = []
const absent = (backend: 'webgpu' | 'webnn') => async (): Promise<BackendMeasurement> => ({ backend, status: 'absent' })

function openEdge(changes: Partial<EdgeOptions> = {}): EdgeEngine {
  const edge = createEdge({
    startWorker() {
      const worker = new Worker(new URL('../testing/faulty-edge.worker.ts', import.meta.url), { type: 'module' })
      workers.push(worker)
      return worker
    },
    measures: {
      detectAdapter: async () => undefined,
      measureWebgpu: absent('webgpu'),
      measureWebnn: absent('webnn'),
    },
    backends: ['wasm'],
    threads: 1,
    marks: createCrashMarks(undefined),
    ...changes,
  })
  edges.push(edge)
  return edge
}
const read =
  ({ graph }: TestModel) =>
  async () => ({ graph: graph.slice() })
const answerOf = async (edge: EdgeEngine, { manifest }: TestModel, x: number) =>
  (await edge.run(manifest, { x: tensor(x) }, { timeoutMs: 30_000 })).outputs.y?.data[0]
const crash = (fault: 'throw' | 'reject' = 'throw') => workers.at(-1)?.postMessage({ fault })
/** Resolves once every run in the newest worker traps. */
const makeTrap = () =>
  new Promise<void>((resolve) => {
    workers.at(-1)?.addEventListener('message', ({ data }) => data === 'faulty' && resolve())
    workers.at(-1)?.postMessage({ fault: 'trap' })
  })

beforeEach(() => {
  workers.length = 0
  edges = []
})
afterEach(() => {
  for (const edge of edges) edge.close()
})

describeBackend("a page's own engine", { open: () => openEdge() })

test('what was measured is remembered, and forgotten when the device is another', async () => {
  const records: unknown[] = []
  const memory = { read: async () => records.at(-1), write: async (record: unknown) => void records.push(record) }
  const measured = await openEdge({ memory }).measure()
  expect(measured).toMatchObject([{ backend: 'wasm', threads: 1, status: 'measured' }])
  expect(workers).toHaveLength(1)
  expect(await openEdge({ memory }).measure()).toEqual(measured)
  expect(workers).toHaveLength(1)
  await openEdge({ memory, threads: 2 }).measure()
  expect(workers).toHaveLength(2)
  records.push({ version: 1, measurements: 'nonsense' })
  expect(await openEdge({ memory }).measure()).toMatchObject([{ backend: 'wasm', status: 'measured' }])
  // What was found without looking for an adapter does not say that there is none.
  let asked = 0
  const detectAdapter = async () => {
    asked += 1
    return undefined
  }
  const measures = { detectAdapter, measureWebgpu: absent('webgpu'), measureWebnn: absent('webnn') }
  await openEdge({ memory, measures, backends: ['wasm', 'webgpu'] }).measure()
  expect(asked).toBe(1)
})

test('20: what this device lacks refuses a model before it is read', async () => {
  const edge = openEdge({ backends: ['wasm', 'webgpu'] })
  const model = await doubling('a', { title: 'Model A', requires: { backends: ['webgpu'] } })
  await expect(edge.check(model.manifest)).rejects.toMatchObject({ name: 'CapabilityError', code: 'model-unsupported' })
  await expect(edge.check(model.manifest)).rejects.toThrow('cannot run Model A: this browser offers no WebGPU')
  expect(edge.forecast(model.manifest)).toBeUndefined()
  let reads = 0
  const load = edge.load(model.manifest, () => {
    reads += 1
    return read(model)()
  })
  await expect(load).rejects.toMatchObject({ code: 'model-unsupported' })
  expect(reads).toBe(0)
})

test('models beyond the budget make room, the least recently used one first', async () => {
  const gone: string[] = []
  const needs = { requires: { memoryBytes: 400 } }
  const [a, b, c] = [await doubling('a', needs), await doubling('b', needs), await doubling('c', needs)]
  const edge = openEdge({ memoryBytes: 1_000, onGone: () => gone.push('gone') })
  await edge.load(a.manifest, read(a))
  await edge.load(b.manifest, read(b))
  expect(await answerOf(edge, a, 2)).toBe(4)
  await edge.load(c.manifest, read(c))
  expect(gone).toEqual(['gone'])
  expect([a, b, c].map(({ manifest }) => edge.loaded(manifest) !== undefined)).toEqual([true, false, true])
  expect(edge.report().memory).toEqual({ budgetBytes: 1_000, usedBytes: 800 })
  await edge.load(b.manifest, read(b))
  expect(await answerOf(edge, b, 3)).toBe(6)
  expect(edge.loaded(a.manifest)).toBeUndefined()
})

test('a model in a session does not make room', async () => {
  const needs = { requires: { memoryBytes: 600 } }
  const [held, other] = [await doubling('held', needs), await doubling('other', needs)]
  const edge = openEdge({ memoryBytes: 1_000 })
  const session = openEdgeSession(edge, toSessionPlan({ steps: [held] }), read(held))
  await session.run({ x: tensor(1) }, { timeoutMs: 30_000 })
  await expect(edge.load(other.manifest, read(other))).rejects.toMatchObject({ code: 'memory-exhausted' })
  await session.close()
  await edge.load(other.manifest, read(other))
  expect(await answerOf(edge, other, 1)).toBe(2)
})

test('a session keeps its state in the worker, and starts over when told', async () => {
  const model = await summing()
  const edge = openEdge()
  const session = openEdgeSession(edge, toSessionPlan({ steps: [model], outputs: ['total'] }), read(model))
  const run = async (y: number) => (await session.run({ y: tensor(y) }, { timeoutMs: 30_000 })).outputs.total?.data[0]
  expect([await run(1), await run(2), await run(3)]).toEqual([1, 3, 6])
  expect(await Promise.all([run(1), run(1), run(1)])).toEqual([7, 8, 9])
  session.reset()
  expect(await run(5)).toBe(5)
  await session.close()
  await expect(run(1)).rejects.toMatchObject({ code: 'edge-session-lost' })
})

test('several models run as one, with state', async () => {
  const [first, second] = [await doubling('first'), await summing()]
  const edge = openEdge()
  const plan = toSessionPlan({ steps: [first, second], outputs: ['total'] })
  const session = openEdgeSession(edge, plan, (manifest) => read(manifest.name === 'first' ? first : second)())
  const run = async (x: number) => (await session.run({ x: tensor(x) }, { timeoutMs: 30_000 })).outputs
  expect((await run(1)).total?.data[0]).toBe(2)
  const outputs = await run(2)
  expect(outputs.total?.data[0]).toBe(6)
  expect(Object.keys(outputs)).toEqual(['total'])
})

test('26: a session whose worker throws goes on in another one from where it was', async () => {
  const model = await summing()
  const edge = openEdge()
  const session = openEdgeSession(edge, toSessionPlan({ steps: [model], outputs: ['total'] }), read(model))
  const run = async (y: number) => (await session.run({ y: tensor(y) }, { timeoutMs: 30_000 })).outputs.total?.data[0]
  expect([await run(1), await run(2)]).toEqual([1, 3])
  for (const fault of ['throw', 'reject'] as const) {
    const before = workers.length
    crash(fault)
    await expect.poll(() => edge.loaded(model.manifest)).toBeUndefined()
    expect(await run(10)).toBe(fault === 'throw' ? 13 : 23)
    expect(workers.length).toBe(before + 1)
  }
})

test('a state too large to be kept beside is lost with its worker, and the session says so once', async () => {
  const model = await summing(50_000)
  const edge = openEdge()
  const session = openEdgeSession(edge, toSessionPlan({ steps: [model], outputs: ['total'] }), read(model))
  const run = async (y: number) => (await session.run({ y: tensor(y) }, { timeoutMs: 30_000 })).outputs.total?.data[7]
  expect([await run(1), await run(2)]).toEqual([1, 3])
  crash()
  await expect.poll(() => edge.loaded(model.manifest)).toBeUndefined()
  await expect(run(1)).rejects.toMatchObject({ name: 'EdgeError', code: 'edge-session-lost' })
  expect(await run(4)).toBe(4)
})

test('an aborted run leaves the session where it was', async () => {
  const model = await summing()
  const edge = openEdge()
  const session = openEdgeSession(edge, toSessionPlan({ steps: [model], outputs: ['total'] }), read(model))
  const run = async (y: number, signal?: AbortSignal) =>
    (await session.run({ y: tensor(y) }, { timeoutMs: 30_000, signal })).outputs.total?.data[0]
  expect(await run(1)).toBe(1)
  const controller = new AbortController()
  const aborted = run(100, controller.signal)
  await Promise.resolve()
  controller.abort('enough')
  await expect(aborted).rejects.toBe('enough')
  expect(await run(2)).toBe(3)
})

test('26: a run whose model rejects is a typed error, and the next one works', async () => {
  const model = await doubling('a')
  const edge = openEdge()
  await edge.load(model.manifest, read(model))
  const wrong = { x: { type: 'int32' as const, dims: [1], data: Int32Array.of(1) } }
  await expect(edge.run(model.manifest, wrong, { timeoutMs: 30_000 })).rejects.toMatchObject({
    name: 'EdgeError',
    code: 'edge-run-failed',
  })
  expect(await answerOf(edge, model, 4)).toBe(8)
})

test('26: a run that traps is a typed error, and its worker is replaced', async () => {
  const model = await doubling('a')
  const gone: string[] = []
  const edge = openEdge({ onGone: () => gone.push('gone') })
  await edge.load(model.manifest, read(model))
  await makeTrap()
  const running = [answerOf(edge, model, 1), answerOf(edge, model, 2)]
  for (const run of running) await expect(run).rejects.toMatchObject({ name: 'EdgeError', code: 'edge-crashed' })
  expect(gone).toEqual(['gone'])
  expect(edge.loaded(model.manifest)).toBeUndefined()
  await edge.load(model.manifest, read(model))
  expect(await answerOf(edge, model, 4)).toBe(8)
  expect(workers).toHaveLength(2)
})

test('30: the canary is run again when a model is loaded after a crash', async () => {
  const canary = {
    inputs: [{ name: 'x', type: 'float32' as const, shape: [1], data: [3] }],
    outputs: [{ name: 'y', type: 'float32' as const, shape: [1], data: [6] }],
  }
  const model = await doubling('a', { canary })
  let startsWrong = false
  const edge = openEdge({
    startWorker() {
      const worker = new Worker(new URL('../testing/faulty-edge.worker.ts', import.meta.url), { type: 'module' })
      workers.push(worker)
      if (startsWrong) worker.postMessage({ fault: 'wrong' })
      return worker
    },
  })
  await edge.load(model.manifest, read(model))
  startsWrong = true
  crash()
  await expect.poll(() => edge.loaded(model.manifest)).toBeUndefined()
  await expect(edge.load(model.manifest, read(model))).rejects.toMatchObject({ code: 'model-wrong-answer' })
  expect(edge.loaded(model.manifest)).toBeUndefined()
})

test('a later visit loads with the time that it knows, and times the model again while nothing runs', async () => {
  const records: unknown[] = []
  const memory = { read: async () => records.at(-1), write: async (record: unknown) => void records.push(record) }
  const model = await doubling('a')
  await openEdge({ memory }).load(model.manifest, read(model))
  const warmupsOf = (record: unknown) => (record as { warmups: [string, Record<string, number>][] }).warmups
  const [key, times] = warmupsOf(records.at(-1))[0] ?? []
  expect(times).toEqual({ 'wasm/1': expect.any(Number) })
  records.push({ ...(records.at(-1) as object), warmups: [[key, { 'wasm/1': 12_345 }]] })
  const edge = openEdge({ memory })
  expect(await edge.load(model.manifest, read(model))).toMatchObject({ warmupMs: 12_345 })
  await expect.poll(() => edge.loaded(model.manifest)?.warmupMs, { timeout: 30_000 }).toBeLessThan(12_345)
  expect(warmupsOf(records.at(-1))).toEqual([[key, { 'wasm/1': edge.loaded(model.manifest)?.warmupMs }]])
})

test('inputs can be handed over instead of copied', async () => {
  const model = await doubling('a')
  const edge = openEdge()
  await edge.load(model.manifest, read(model))
  const kept = tensor(1, 2)
  await edge.run(model.manifest, { x: kept }, { timeoutMs: 30_000 })
  expect(kept.data).toHaveLength(2)
  const given = tensor(3, 4)
  const { outputs } = await edge.run(model.manifest, { x: given }, { timeoutMs: 30_000, transfer: true })
  expect(outputs.y?.data[1]).toBe(8)
  expect(given.data).toHaveLength(0)
})

test('24: unload during a run lets the run finish', async () => {
  const model = await doubling('a')
  const edge = openEdge()
  await edge.load(model.manifest, read(model))
  const running = answerOf(edge, model, 21)
  const unloading = edge.unload(model.manifest)
  expect(await running).toBe(42)
  await unloading
  expect(edge.loaded(model.manifest)).toBeUndefined()
})

test('28: one thread and several give the same answers', async () => {
  const model = await doubling('a')
  const answers: unknown[] = []
  for (const threads of [1, 2]) {
    const edge = openEdge({ threads })
    const loaded = await edge.load(model.manifest, read(model))
    expect(loaded.threads).toBe(threads)
    answers.push(await answerOf(edge, model, 0.1))
  }
  expect(answers[0]).toBe(answers[1])
})

test('closing is idempotent, and what is under way is told', async () => {
  const model = await doubling('a')
  const edge = openEdge()
  await edge.load(model.manifest, read(model))
  const running = answerOf(edge, model, 1)
  edge.close()
  edge.close()
  await expect(running).rejects.toThrow('closed')
})

test('an engine that was closed while it measured or read starts no worker again, and stores nothing more', async () => {
  const records: unknown[] = []
  const memory = { read: async () => undefined, write: async (record: unknown) => void records.push(record) }
  let found: (adapter: undefined) => void = () => {}
  const detectAdapter = () => new Promise<undefined>((resolve) => (found = resolve))
  const measures = { detectAdapter, measureWebgpu: absent('webgpu'), measureWebnn: absent('webnn') }
  const edge = openEdge({ memory, measures, backends: ['webgpu', 'wasm'] })
  const model = await doubling('a')
  const loading = edge.load(model.manifest, read(model))
  loading.catch(() => {})
  await expect.poll(() => found.length).toBe(1)
  edge.close()
  found(undefined)
  await expect(loading).rejects.toThrow('closed')
  expect(workers).toHaveLength(0)
  expect(records).toEqual([])
})
