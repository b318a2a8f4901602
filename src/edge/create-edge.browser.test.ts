import { afterEach, expect, test } from 'vitest'
import { type BackendModel, floats, scalingModel } from '../testing/backend-models.ts'
import { describeBackend } from '../testing/describe-backend.ts'
import { absent, edgeFixture, readerOf } from '../testing/edge-fixture.ts'
import type { EdgeEngine } from './edge-types.ts'

const { workers, startWorker, openEdge, crash, makeTrap, closeAll } = edgeFixture()
afterEach(closeAll)

const answerOf = async (edge: EdgeEngine, { manifest }: BackendModel, x: number) =>
  (await edge.run(manifest, { x: floats(x) }, { timeoutMs: 30_000 })).outputs.y?.data[0]

// Engines of its own: the suite closes them, after several tests.
describeBackend("a page's own engine", { open: () => edgeFixture().openEdge() })

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
  const model = await scalingModel('a', 2, { title: 'Model A', requires: { backends: ['webgpu'] } })
  await expect(edge.check(model.manifest)).rejects.toMatchObject({ name: 'CapabilityError', code: 'model-unsupported' })
  await expect(edge.check(model.manifest)).rejects.toThrow('cannot run Model A: this browser offers no WebGPU')
  expect(edge.forecast(model.manifest)).toBeUndefined()
  let reads = 0
  const load = edge.load(model.manifest, () => {
    reads += 1
    return readerOf(model)()
  })
  await expect(load).rejects.toMatchObject({ code: 'model-unsupported' })
  expect(reads).toBe(0)
})

test('models beyond the budget make room, the least recently used one first', async () => {
  const gone: string[] = []
  const needs = { requires: { memoryBytes: 400 } }
  const [a, b, c] = [
    await scalingModel('a', 2, needs),
    await scalingModel('b', 2, needs),
    await scalingModel('c', 2, needs),
  ]
  const edge = openEdge({ memoryBytes: 1_000, onGone: () => gone.push('gone') })
  await edge.load(a.manifest, readerOf(a))
  await edge.load(b.manifest, readerOf(b))
  expect(await answerOf(edge, a, 2)).toBe(4)
  await edge.load(c.manifest, readerOf(c))
  expect(gone).toEqual(['gone'])
  expect([a, b, c].map(({ manifest }) => edge.loaded(manifest) !== undefined)).toEqual([true, false, true])
  expect(edge.report().memory).toEqual({ budgetBytes: 1_000, usedBytes: 800 })
  await edge.load(b.manifest, readerOf(b))
  expect(await answerOf(edge, b, 3)).toBe(6)
  expect(edge.loaded(a.manifest)).toBeUndefined()
})

test('26: a run whose model rejects is a typed error, and the next one works', async () => {
  const model = await scalingModel('a', 2)
  const edge = openEdge()
  await edge.load(model.manifest, readerOf(model))
  const wrong = { x: { type: 'int32' as const, dims: [1], data: Int32Array.of(1) } }
  await expect(edge.run(model.manifest, wrong, { timeoutMs: 30_000 })).rejects.toMatchObject({
    name: 'EdgeError',
    code: 'edge-run-failed',
  })
  expect(await answerOf(edge, model, 4)).toBe(8)
})

test('26: a run that traps is a typed error, and its worker is replaced', async () => {
  const model = await scalingModel('a', 2)
  const gone: string[] = []
  const edge = openEdge({ onGone: () => gone.push('gone') })
  await edge.load(model.manifest, readerOf(model))
  await makeTrap()
  const running = [answerOf(edge, model, 1), answerOf(edge, model, 2)]
  for (const run of running) await expect(run).rejects.toMatchObject({ name: 'EdgeError', code: 'edge-crashed' })
  expect(gone).toEqual(['gone'])
  expect(edge.loaded(model.manifest)).toBeUndefined()
  await edge.load(model.manifest, readerOf(model))
  expect(await answerOf(edge, model, 4)).toBe(8)
  expect(workers).toHaveLength(2)
})

test('30: the canary is run again when a model is loaded after a crash', async () => {
  const canary = {
    inputs: [{ name: 'x', type: 'float32' as const, shape: [1], data: [3] }],
    outputs: [{ name: 'y', type: 'float32' as const, shape: [1], data: [6] }],
  }
  const model = await scalingModel('a', 2, { canary })
  let startsWrong = false
  const edge = openEdge({
    startWorker() {
      const worker = startWorker()
      if (startsWrong) worker.postMessage({ fault: 'wrong' })
      return worker
    },
  })
  await edge.load(model.manifest, readerOf(model))
  startsWrong = true
  crash()
  await expect.poll(() => edge.loaded(model.manifest)).toBeUndefined()
  await expect(edge.load(model.manifest, readerOf(model))).rejects.toMatchObject({ code: 'model-wrong-answer' })
  expect(edge.loaded(model.manifest)).toBeUndefined()
})

test('a later visit loads with the time that it knows, and times the model again while nothing runs', async () => {
  const records: unknown[] = []
  const memory = { read: async () => records.at(-1), write: async (record: unknown) => void records.push(record) }
  const model = await scalingModel('a', 2)
  await openEdge({ memory }).load(model.manifest, readerOf(model))
  const warmupsOf = (record: unknown) => (record as { warmups: [string, Record<string, number>][] }).warmups
  const [key, times] = warmupsOf(records.at(-1))[0] ?? []
  expect(times).toEqual({ 'wasm/1': expect.any(Number) })
  records.push({ ...(records.at(-1) as object), warmups: [[key, { 'wasm/1': 12_345 }]] })
  const edge = openEdge({ memory })
  expect(await edge.load(model.manifest, readerOf(model))).toMatchObject({ warmupMs: 12_345 })
  await expect.poll(() => edge.loaded(model.manifest)?.warmupMs, { timeout: 30_000 }).toBeLessThan(12_345)
  expect(warmupsOf(records.at(-1))).toEqual([[key, { 'wasm/1': edge.loaded(model.manifest)?.warmupMs }]])
})

test('inputs can be handed over instead of copied', async () => {
  const model = await scalingModel('a', 2)
  const edge = openEdge()
  await edge.load(model.manifest, readerOf(model))
  const kept = floats(1, 2)
  await edge.run(model.manifest, { x: kept }, { timeoutMs: 30_000 })
  expect(kept.data).toHaveLength(2)
  const given = floats(3, 4)
  const { outputs } = await edge.run(model.manifest, { x: given }, { timeoutMs: 30_000, transfer: true })
  expect(outputs.y?.data[1]).toBe(8)
  expect(given.data).toHaveLength(0)
})

test('24: unload during a run lets the run finish', async () => {
  const model = await scalingModel('a', 2)
  const edge = openEdge()
  await edge.load(model.manifest, readerOf(model))
  const running = answerOf(edge, model, 21)
  const unloading = edge.unload(model.manifest)
  expect(await running).toBe(42)
  await unloading
  expect(edge.loaded(model.manifest)).toBeUndefined()
})

test('28: one thread and several give the same answers', async () => {
  const model = await scalingModel('a', 2)
  const answers: unknown[] = []
  for (const threads of [1, 2]) {
    const edge = openEdge({ threads })
    const loaded = await edge.load(model.manifest, readerOf(model))
    expect(loaded.threads).toBe(threads)
    answers.push(await answerOf(edge, model, 0.1))
  }
  expect(answers[0]).toBe(answers[1])
})

test('closing is idempotent, and what is under way rejects', async () => {
  const model = await scalingModel('a', 2)
  const edge = openEdge()
  await edge.load(model.manifest, readerOf(model))
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
  const model = await scalingModel('a', 2)
  const loading = edge.load(model.manifest, readerOf(model))
  loading.catch(() => {})
  await expect.poll(() => found.length).toBe(1)
  edge.close()
  found(undefined)
  await expect(loading).rejects.toThrow('closed')
  expect(workers).toHaveLength(0)
  expect(records).toEqual([])
})
