import { afterEach, describe, expect, test } from 'vitest'
import type { TensorMap } from '../contracts/tensor.ts'
import { edgeFixture, fastWebgpu, readerOf, startPretendedWebgpu } from '../testing/edge-fixture.ts'
import { fakeManifest } from '../testing/fake-manifest.ts'
import { modelsWithoutZeros } from '../testing/models-without-zeros.ts'
import { loopOnnx, tinyOnnx } from '../testing/tiny-onnx.ts'
import type { EdgeEngine } from './edge-types.ts'

const { workers, startWorker, openEdge, closeAll } = edgeFixture()
afterEach(closeAll)

const float = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })
const patient = { timeoutMs: 30_000 }
const answerOf = async (edge: EdgeEngine, manifest: Parameters<EdgeEngine['run']>[0], given: TensorMap) =>
  Array.from((await edge.run(manifest, given, patient)).outputs.y?.data ?? [], Number)

const manifestOf = ({ graph, inputs, outputs }: (typeof modelsWithoutZeros)[number]) =>
  fakeManifest({ 'model.onnx': graph }, { name: 'a', inputs, outputs })

describe.each(modelsWithoutZeros)('a model that refuses zeros as $what', (model) => {
  test('is loaded untimed, and answers', async () => {
    const manifest = await manifestOf(model)
    const edge = openEdge()
    await edge.load(manifest, readerOf(model))
    expect(await answerOf(edge, manifest, model.given)).toEqual(model.answer)
    expect(workers).toHaveLength(1)
  })
})

const [slicing] = modelsWithoutZeros
if (slicing === undefined) throw new Error('no models')

test('on WebGPU alone it is loaded again without a warm-up, and its first run decides', async () => {
  const manifest = await manifestOf(slicing)
  const edge = openEdge({ ...fastWebgpu, backends: ['webgpu'], startWorker: () => startPretendedWebgpu() })
  expect(await edge.load(manifest, readerOf(slicing))).toMatchObject({ backend: 'webgpu' })
  expect(await answerOf(edge, manifest, slicing.given)).toEqual(slicing.answer)
})

test('zeros that make the runtime trap cost a worker, not the model', async () => {
  const manifest = await manifestOf(slicing)
  const edge = openEdge({
    startWorker() {
      const worker = startWorker()
      if (workers.length === 1) worker.postMessage({ fault: 'trap' })
      return worker
    },
  })
  await edge.load(manifest, readerOf(slicing))
  expect(workers).toHaveLength(2)
  expect(await answerOf(edge, manifest, slicing.given)).toEqual(slicing.answer)
})

test('a graph that does not load is refused, once', async () => {
  const manifest = await manifestOf(slicing)
  let reads = 0
  const read = async () => {
    reads += 1
    return { graph: Uint8Array.of(1, 2, 3) }
  }
  await expect(openEdge().load(manifest, read)).rejects.toMatchObject({ code: 'model-load-failed' })
  expect(reads).toBe(1)
})

test('a model answers the outputs that its manifest names, and no others of its graph', async () => {
  const graph = tinyOnnx({
    inputs: [float('x', [2])],
    outputs: [float('y', [2]), float('z', [2])],
    nodes: [
      { op: 'Add', inputs: ['x', 'x'], outputs: ['y'] },
      { op: 'Neg', inputs: ['x'], outputs: ['z'] },
    ],
  })
  const specs = { inputs: [float('x', [2])], outputs: [float('y', [2])] }
  const manifest = await fakeManifest({ 'model.onnx': graph }, { name: 'two', ...specs })
  const edge = openEdge()
  await edge.load(manifest, readerOf({ graph }))
  const x = { type: 'float32' as const, dims: [2], data: Float32Array.of(1, 2) }
  const { outputs } = await edge.run(manifest, { x }, patient)
  expect(outputs).toEqual({ y: { ...x, data: Float32Array.of(2, 4) } })
})

test('a model with a sequence among its outputs answers those that its manifest names', async () => {
  const graph = tinyOnnx({
    inputs: [float('x', [3])],
    outputs: [float('y', [3]), { ...float('parts', []), sequence: true }],
    nodes: [
      { op: 'Identity', inputs: ['x'], outputs: ['y'] },
      { op: 'SplitToSequence', inputs: ['x'], outputs: ['parts'], attributes: { axis: { int: 0 } } },
    ],
  })
  const specs = { inputs: [float('x', [3])], outputs: [float('y', [3])] }
  const manifest = await fakeManifest({ 'model.onnx': graph }, { name: 'parts', ...specs })
  const edge = openEdge()
  await edge.load(manifest, readerOf({ graph }))
  const x = { type: 'float32' as const, dims: [3], data: Float32Array.of(1, 2, 3) }
  expect((await edge.run(manifest, { x }, patient)).outputs).toEqual({ y: x })
})

test('a manifest that names what its graph does not have is refused when it is loaded, with the name', async () => {
  const graph = loopOnnx(1n)
  for (const [input, output, lack] of [
    ['x', 'z', 'the graph has no output "z"'],
    ['w', 'y', 'the graph has no input "w"'],
  ] as const) {
    const specs = { inputs: [float(input, [1])], outputs: [float(output, [1])] }
    const manifest = await fakeManifest({ 'model.onnx': graph }, { name: 'odd', ...specs })
    await expect(openEdge().load(manifest, readerOf({ graph }))).rejects.toMatchObject({
      code: 'model-load-failed',
      cause: { message: lack },
    })
  }
})
