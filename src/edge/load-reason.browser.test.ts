import { afterEach, expect, test } from 'vitest'
import { edgeFixture, readerOf } from '../testing/edge-fixture.ts'
import { fakeManifest } from '../testing/fake-manifest.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'

const { openEdge, closeAll } = edgeFixture()
afterEach(closeAll)

const float = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })

test('a model that the runtime does not load fails with the runtime’s own words, and with what to do', async () => {
  const specs = { inputs: [float('x', [1])], outputs: [float('y', [1])] }
  const graph = tinyOnnx({ ...specs, nodes: [{ op: 'MyOp', inputs: ['x'], outputs: ['y'] }] })
  const manifest = await fakeManifest({ 'model.onnx': graph }, { name: 'custom', ...specs })
  await expect(openEdge().load(manifest, readerOf({ graph }))).rejects.toMatchObject({
    name: 'ModelError',
    code: 'model-load-failed',
    message: expect.stringMatching(/loaded in this browser: .*MyOp.*save the model without it/),
    context: { backend: 'wasm', reason: expect.stringContaining('MyOp') },
  })
})

test('so does a run', async () => {
  const specs = { inputs: [float('x', [-1])], outputs: [float('y', [-1])] }
  const c = { name: 'c', type: 'float32' as const, dims: [2], data: new Float32Array(2) }
  const nodes = [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }]
  const graph = tinyOnnx({ ...specs, nodes, initializers: [c] })
  const manifest = await fakeManifest({ 'model.onnx': graph }, { name: 'uneven', ...specs })
  const edge = openEdge()
  await edge.load(manifest, readerOf({ graph }))
  const x = { type: 'float32', dims: [3], data: new Float32Array(3) } as const
  await expect(edge.run(manifest, { x }, { timeoutMs: 30_000 })).rejects.toMatchObject({
    name: 'EdgeError',
    code: 'edge-run-failed',
    context: { reason: expect.stringMatching(/^axis.*broadcast/) },
  })
})

// Refused before a run: an answer of another type than the manifest's would be taken by nobody.
test.each([
  ['output', 'y', 'float64', { outputs: [{ ...float('y', [1]), type: 'float64' as const }] }],
  ['output', 'y', 'int64', { outputs: [{ ...float('y', [1]), type: 'int64' as const }] }],
  ['input', 'x', 'int32', { inputs: [{ ...float('x', [1]), type: 'int32' as const }] }],
])('a manifest whose %s %s is said to be %s, and is not in the graph', async (kind, name, type, said) => {
  const specs = { inputs: [float('x', [1])], outputs: [float('y', [1])] }
  const graph = tinyOnnx({ ...specs, nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }] })
  const manifest = await fakeManifest({ 'model.onnx': graph }, { name: 'lying', ...specs, ...said })
  await expect(openEdge().load(manifest, readerOf({ graph }))).rejects.toMatchObject({
    code: 'model-load-failed',
    message: expect.stringContaining(`the graph's ${kind} "${name}" is float32, not ${type}`),
  })
})
