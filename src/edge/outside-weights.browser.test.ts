import { afterEach, expect, test } from 'vitest'
import { adderGraph } from '../testing/adding-fixture.ts'
import { edgeFixture } from '../testing/edge-fixture.ts'
import { fakeManifest } from '../testing/fake-manifest.ts'
import { outsideBytes, outsideFile, outsideModels, placedModels } from '../testing/outside-weights.ts'

const { openEdge, closeAll } = edgeFixture()
afterEach(closeAll)

const spec = (name: string) => [{ name, type: 'float32' as const, shape: [4] }]

// What is refused when a model is added is what the runtime refuses: where it learns more, this test says so.
test.each(outsideModels)('weights outside of the file, in $where: the runtime is as it is taken for', async (model) => {
  const files = { 'model.onnx': model.graph, [outsideFile]: outsideBytes() }
  const manifest = await fakeManifest(files, { name: 'outside', inputs: spec('x'), outputs: spec('y') })
  const edge = openEdge()
  const loading = edge.load(manifest, async () => ({
    graph: model.graph.slice(),
    externalData: [{ path: outsideFile, data: outsideBytes() }],
  }))
  if (model.problem !== undefined) {
    await expect(loading).rejects.toMatchObject({ code: 'model-load-failed' })
    return
  }
  await loading
  const x = { type: 'float32' as const, dims: [4], data: Float32Array.of(1, 1, 1, 1) }
  const { outputs } = await edge.run(manifest, { x }, { timeoutMs: 30_000 })
  expect(outputs.y?.data).toEqual(Float32Array.of(1, 2, 3, 4))
})

test('weights at places in and beyond the other file: the runtime is as it is taken for', async () => {
  const edge = openEdge()
  const seen = []
  for (const [at, { what, graph, bytes }] of placedModels.entries()) {
    const files = { 'model.onnx': graph, [outsideFile]: bytes }
    const manifest = await fakeManifest(files, { name: `at-${at}`, inputs: spec('x'), outputs: spec('y') })
    const externalData = [{ path: outsideFile, data: bytes.slice() }]
    const load = edge.load(manifest, async () => ({ graph: graph.slice(), externalData }))
    const code = await load.then(
      () => undefined,
      (error: { code: string }) => error.code,
    )
    const x = { type: 'float32' as const, dims: [4], data: Float32Array.of(1, 1, 1, 1) }
    const run = code === undefined ? await edge.run(manifest, { x }, { timeoutMs: 30_000 }) : undefined
    seen.push({ what, code, y: run?.outputs.y?.data })
  }
  const taken = placedModels.map(({ what, problem, y }) => ({
    what,
    code: problem && 'model-load-failed',
    y: problem === undefined ? Float32Array.from(y) : undefined,
  }))
  expect(seen).toEqual(taken)
})

// What adding takes as a place of weights, the runtime finds by that very spelling.
test.each([
  '权重.onnx.data',
  'my weights (1).bin',
  '100%?#.bin',
  '%2e%2e/w.bin',
  './w.bin',
  '.\\parts\\w.bin',
  'C:\\models\\w.bin',
  'C:w.bin',
  'onnx::MatMul_12',
  'a/../w.bin ',
  '../w.bin',
  '..\\w.bin',
  '\\\\server\\w.bin',
  '\ufeffw.bin',
  'poids\u00e9.bin',
  'poidse\u0301.bin',
])('weights that the graph calls %j are found by the runtime', async (location) => {
  const graph = adderGraph(3, location)
  const rows = (name: string) => [{ name, type: 'float32' as const, shape: [-1, 2] }]
  const manifest = await fakeManifest(
    { 'model.onnx': graph },
    { name: 'outside', inputs: rows('x'), outputs: rows('y') },
  )
  const edge = openEdge()
  const data = new Uint8Array(Float32Array.of(3).buffer)
  await edge.load(manifest, async () => ({ graph: graph.slice(), externalData: [{ path: location, data }] }))
  const x = { type: 'float32' as const, dims: [1, 2], data: Float32Array.of(1, 2) }
  const { outputs } = await edge.run(manifest, { x }, { timeoutMs: 30_000 })
  expect(outputs.y?.data).toEqual(Float32Array.of(4, 5))
})
