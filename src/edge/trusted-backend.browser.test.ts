import { afterEach, expect, test } from 'vitest'
import { edgeFixture, fastWebgpu, readerOf, startPretendedWebgpu } from '../testing/edge-fixture.ts'
import { fakeManifest } from '../testing/fake-manifest.ts'
import { modelsWithoutZeros } from '../testing/models-without-zeros.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { tinyWriter } from '../testing/tiny-writer.ts'
import { openEdgeSession } from './edge-session.ts'
import type { EdgeEngine } from './edge-types.ts'
import { toSessionPlan } from './session-plan.ts'

const { openEdge, closeAll } = edgeFixture()
afterEach(closeAll)

const value = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })
const weights = (name: string, dims: number[], data: number[]) => ({
  name,
  type: 'float32' as const,
  dims,
  data: Float32Array.from(data),
})
/** A recurrent model without a canary, as one that somebody adds: a sequence in, the last state out. */
const specs = { inputs: [value('x', [-1, 1, 2])], outputs: [value('y', [1, 1, 2])] }
const graph = tinyOnnx({
  ...specs,
  nodes: [{ op: 'RNN', inputs: ['x', 'w', 'r'], outputs: ['', 'y'], attributes: { hidden_size: { int: 2 } } }],
  initializers: [weights('w', [1, 2, 2], [0.5, -0.25, 0.25, 0.5]), weights('r', [1, 2, 2], [0.9, 0.1, -0.2, 0.8])],
})
const recurrent = await fakeManifest({ 'model.onnx': graph }, { name: 'recurrent', ...specs })
const given = {
  x: { type: 'float32' as const, dims: [3, 1, 2], data: Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6) },
}
const answerOf = async (edge: EdgeEngine, manifest = recurrent, inputs: Parameters<EdgeEngine['run']>[1] = given) => {
  const { outputs, backend } = await edge.run(manifest, inputs, { timeoutMs: 30_000 })
  return { backend, values: Array.from(outputs.y?.data ?? [], Number) }
}
const expectedValues = async () => {
  const edge = openEdge()
  await edge.load(recurrent, readerOf({ graph }))
  return (await answerOf(edge)).values
}
/** A device, and what is remembered of it from one visit to the next. */
function device(fault: { answersTimes?: number; refuses?: boolean } = {}) {
  const records: unknown[] = []
  const now = { fault, workers: [] as Worker[] }
  const memory = {
    read: async () => records.at(-1),
    write: async (record: unknown) => void records.push(structuredClone(record)),
  }
  const visit = () =>
    openEdge({
      ...fastWebgpu,
      memory,
      startWorker() {
        const worker = startPretendedWebgpu(now.fault)
        now.workers.push(worker)
        return worker
      },
    })
  return { now, visit }
}

test('a model that a backend answers off by 16 % runs on WASM, at the next visit, too', async () => {
  const { visit, now } = device({ answersTimes: 1.16 })
  const edge = visit()
  expect(await edge.load(recurrent, readerOf({ graph }))).toMatchObject({ backend: 'wasm' })
  expect(await answerOf(edge)).toEqual({ backend: 'wasm', values: await expectedValues() })
  expect(edge.forecast(recurrent)).toMatchObject({ backend: 'wasm' })
  // It says nothing of other models on that backend.
  const other = { ...recurrent, name: 'other' }
  now.fault = {}
  edge.close()
  const next = visit()
  expect(await next.load(recurrent, readerOf({ graph }))).toMatchObject({ backend: 'wasm' })
  expect(await next.load(other, readerOf({ graph }))).toMatchObject({ backend: 'webgpu' })
})

test('one that it answers as WASM does runs there, and is held against that answer at each later load', async () => {
  const { visit, now } = device()
  const edge = visit()
  expect(await edge.load(recurrent, readerOf({ graph }))).toMatchObject({ backend: 'webgpu' })
  expect((await answerOf(edge)).backend).toBe('webgpu')
  edge.close()
  now.fault = { answersTimes: 1.16 }
  const next = visit()
  expect(await next.load(recurrent, readerOf({ graph }))).toMatchObject({ backend: 'wasm' })
  expect(await answerOf(next)).toEqual({ backend: 'wasm', values: await expectedValues() })
})

test('a language model without a canary is held against WASM as a decoder', async () => {
  const { manifest, readFiles } = await tinyWriter()
  expect(manifest.canary).toBeUndefined()
  expect(await device().visit().load(manifest, readFiles)).toMatchObject({ backend: 'webgpu' })
  const off = device({ answersTimes: 1.16 }).visit()
  expect(await off.load(manifest, readFiles)).toMatchObject({ backend: 'wasm' })
})

test('where nothing made up fits the model, it begins on WASM', async () => {
  const reshaping = modelsWithoutZeros.find(({ what }) => what.startsWith('the shape'))
  if (reshaping === undefined) throw new Error('no such model')
  const { graph, inputs, outputs, given, answer } = reshaping
  const manifest = await fakeManifest({ 'model.onnx': graph }, { name: 'reshaping', inputs, outputs })
  const edge = device().visit()
  expect(await edge.load(manifest, readerOf({ graph }))).toMatchObject({ backend: 'wasm' })
  expect(await answerOf(edge, manifest, given)).toEqual({ backend: 'wasm', values: answer })
})

test('a run that fails on a backend is made on WASM when it is asked for again', async () => {
  const { visit, now } = device()
  const edge = visit()
  expect(await edge.load(recurrent, readerOf({ graph }))).toMatchObject({ backend: 'webgpu' })
  for (const worker of now.workers) worker.postMessage({ refuses: true })
  await expect(answerOf(edge)).rejects.toMatchObject({ code: 'edge-run-failed' })
  expect(edge.loaded(recurrent)).toBeUndefined()
  expect(await edge.load(recurrent, readerOf({ graph }))).toMatchObject({ backend: 'wasm' })
  expect(await answerOf(edge)).toEqual({ backend: 'wasm', values: await expectedValues() })
})

test('a session of which one model answers wrongly on a backend is on WASM as a whole', async () => {
  const vector = (name: string) => value(name, [2])
  const make = async (name: string, op: string, inputs: string[], output: string, macs: number) => {
    const own = { inputs: [...new Set(inputs)].map(vector), outputs: [vector(output)] }
    const made = tinyOnnx({ ...own, nodes: [{ op, inputs, outputs: [output] }] })
    const complexity = { macs }
    return { graph: made, manifest: await fakeManifest({ 'model.onnx': made }, { name, ...own, complexity }) }
  }
  // Of nothing but zeros, 16 % more are zeros: the heaviest model is right there, and the other one is not.
  const zeros = await make('zeros', 'Sub', ['x', 'x'], 'nothing', 1000)
  const adding = await make('adding', 'Add', ['nothing', 'z'], 'y', 1)
  const plan = toSessionPlan({ steps: [zeros, adding], outputs: ['y'] })
  const read = (manifest: { readonly name: string }) => readerOf(manifest.name === 'zeros' ? zeros : adding)()
  const pair = (...data: number[]) => ({ type: 'float32' as const, dims: [2], data: Float32Array.from(data) })
  const runIn = async (edge: EdgeEngine) => {
    const session = openEdgeSession(edge, plan, read)
    const { outputs, backend } = await session.run({ x: pair(1, 2), z: pair(3, 4) }, { timeoutMs: 30_000 })
    await session.close()
    return { backend, y: Array.from(outputs.y?.data ?? [], Number) }
  }
  const right = device().visit()
  expect(await runIn(right)).toEqual({ backend: 'webgpu', y: [3, 4] })
  const wrong = device({ answersTimes: 1.16 }).visit()
  expect(await wrong.load(zeros.manifest, readerOf(zeros))).toMatchObject({ backend: 'webgpu' })
  expect(await runIn(wrong)).toEqual({ backend: 'wasm', y: [3, 4] })
  // What was found out once is not tried again.
  expect(await runIn(wrong)).toEqual({ backend: 'wasm', y: [3, 4] })
})
