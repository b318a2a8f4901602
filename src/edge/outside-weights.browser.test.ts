import { afterEach, expect, test } from 'vitest'
import { adderGraph } from '../testing/adding-fixture.ts'
import { edgeFixture } from '../testing/edge-fixture.ts'
import { fakeManifest } from '../testing/fake-manifest.ts'
import { outsideBytes, outsideFile, outsideModels, placedModels } from '../testing/outside-weights.ts'

const { openEdge, closeAll } = edgeFixture()
afterEach(closeAll)

const spec = (name: string) => [{ name, type: 'float32' as const, shape: [4] }]

/** What comes of a model whose weights lie in another file: the code of its failure, or its answer to ones. */
async function outcomeOf(edge: ReturnType<typeof openEdge>, name: string, graph: Uint8Array, bytes: Uint8Array) {
  const files = { 'model.onnx': graph, [outsideFile]: bytes }
  const manifest = await fakeManifest(files, { name, inputs: spec('x'), outputs: spec('y') })
  const externalData = [{ path: outsideFile, data: bytes.slice() }]
  const x = { type: 'float32' as const, dims: [4], data: Float32Array.of(1, 1, 1, 1) }
  const code = await edge
    .load(manifest, async () => ({ graph: graph.slice(), externalData }))
    .then(
      () => undefined,
      (error: { code: string }) => error.code,
    )
  return code ?? (await edge.run(manifest, { x }, { timeoutMs: 30_000 })).outputs.y?.data
}

// What is refused when a model is added is what the runtime refuses: where it learns more, these tests say so.
test('weights outside of the file, wherever in the graph: the runtime is as it is taken for', async () => {
  const edge = openEdge()
  const seen = []
  for (const [at, { where, graph }] of outsideModels.entries()) {
    seen.push([where, await outcomeOf(edge, `in-${at}`, graph, outsideBytes())])
  }
  const answer = Float32Array.of(1, 2, 3, 4)
  expect(seen).toEqual(outsideModels.map(({ where, problem }) => [where, problem ? 'model-load-failed' : answer]))
})

test('weights at places in and beyond the other file: the runtime is as it is taken for', async () => {
  const edge = openEdge()
  const seen = []
  for (const [at, { what, graph, bytes }] of placedModels.entries()) {
    seen.push([what, await outcomeOf(edge, `at-${at}`, graph, bytes)])
  }
  expect(seen).toEqual(
    placedModels.map(({ what, problem, y }) => [what, problem ? 'model-load-failed' : Float32Array.from(y)]),
  )
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
