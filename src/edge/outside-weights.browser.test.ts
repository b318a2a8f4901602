import { afterEach, expect, test } from 'vitest'
import { adderGraph } from '../testing/adding-fixture.ts'
import { edgeFixture } from '../testing/edge-fixture.ts'
import { fakeManifest } from '../testing/fake-manifest.ts'
import { outsideBytes, outsideFile, outsideModels, placedModels } from '../testing/outside-weights.ts'

const { openEdge, closeAll } = edgeFixture()
afterEach(closeAll)

const spec = (name: string) => [{ name, type: 'float32' as const, shape: [4] }]

// What is refused when a model is added is what the runtime refuses: where it learns more, this test says so.
test('weights outside of the file, wherever in the graph: the runtime is as it is taken for', async () => {
  const edge = openEdge()
  const seen = []
  for (const [at, { where, graph }] of outsideModels.entries()) {
    const files = { 'model.onnx': graph, [outsideFile]: outsideBytes() }
    const manifest = await fakeManifest(files, { name: `in-${at}`, inputs: spec('x'), outputs: spec('y') })
    const externalData = [{ path: outsideFile, data: outsideBytes() }]
    const load = edge.load(manifest, async () => ({ graph: graph.slice(), externalData }))
    const code = await load.then(
      () => undefined,
      (error: { code: string }) => error.code,
    )
    const x = { type: 'float32' as const, dims: [4], data: Float32Array.of(1, 1, 1, 1) }
    const run = code === undefined ? await edge.run(manifest, { x }, { timeoutMs: 30_000 }) : undefined
    seen.push({ where, code, y: run?.outputs.y?.data })
  }
  const taken = outsideModels.map(({ where, problem }) => ({
    where,
    code: problem && 'model-load-failed',
    y: problem === undefined ? Float32Array.of(1, 2, 3, 4) : undefined,
  }))
  expect(seen).toEqual(taken)
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

/** What adding takes as a place of weights. */
const spellings = [
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
]
test('weights are found by the runtime by the very spelling that the graph has', async () => {
  const edge = openEdge()
  const rows = (name: string) => [{ name, type: 'float32' as const, shape: [-1, 2] }]
  const seen: [string, unknown][] = []
  for (const [at, location] of spellings.entries()) {
    const graph = adderGraph(3, location)
    const specs = { inputs: rows('x'), outputs: rows('y') }
    const manifest = await fakeManifest({ 'model.onnx': graph }, { name: `called-${at}`, ...specs })
    const data = new Uint8Array(Float32Array.of(3).buffer)
    const externalData = [{ path: location, data }]
    const load = edge.load(manifest, async () => ({ graph: graph.slice(), externalData }))
    const x = { type: 'float32' as const, dims: [1, 2], data: Float32Array.of(1, 2) }
    const answer = load.then(() => edge.run(manifest, { x }, { timeoutMs: 30_000 }))
    seen.push([location, await answer.then(({ outputs }) => outputs.y?.data, String)])
  }
  expect(seen).toEqual(spellings.map((location) => [location, Float32Array.of(4, 5)]))
})
