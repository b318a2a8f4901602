import { afterEach, expect, test } from 'vitest'
import { adderGraph, openAddingFixture } from '../../../testing/adding-fixture.ts'
import { edgeFixture } from '../../../testing/edge-fixture.ts'
import { errorCodec } from '../../../utils/calls/error-codec.ts'
import { openLink } from '../../../utils/calls/open-link.ts'
import type { ModelMethods } from './background-types.ts'
import { createModelMethods } from './model-methods.ts'
import type { OpenedModels } from './open-models.ts'

const { openEdge, closeAll } = edgeFixture()
afterEach(closeAll)

/** The methods on a store in memory, called as the page does, and an engine that reads by them. */
async function setUp() {
  const { store, registry, addFile, add } = await openAddingFixture()
  const opened = { store, registry, orphansFreed: async () => {} } as Partial<OpenedModels> as OpenedModels
  const { port1, port2 } = new MessageChannel()
  openLink(port1, { methods: createModelMethods(async () => opened), errors: errorCodec })
  const { methods } = openLink<ModelMethods>(port2, { errors: errorCodec })
  const edge = openEdge()
  const answer = async (name: string, x: number) => {
    const manifest = await methods.manifest(name)
    await edge.load(manifest, () => methods.readFiles(name, manifest.revision))
    const inputs = { x: { type: 'float32', dims: [1, 2], data: Float32Array.of(x, x) } } as const
    return (await edge.run(manifest, inputs, { timeoutMs: 30_000 })).outputs.y?.data[0]
  }
  return { methods, store, addFile, add, answer }
}

test.each([
  ['权重.onnx.data', '权重.onnx.data'],
  ['my weights (1).bin', 'my weights (1).bin'],
  ['layer#1 100%?.bin', 'layer#1 100%?.bin'],
  ['.\\parts\\w.bin', 'w.bin'],
  ['parts/../w.bin', 'w.bin'],
  ['./parts//w.bin', 'w.bin'],
  ['C:\\models\\w.bin', 'w.bin'],
])('a model whose weights its graph calls %j runs', async (location, name) => {
  const { add, answer } = await setUp()
  const weights = new Blob([new Float32Array([7])])
  await add({
    files: [
      { name: 'net.onnx', blob: new Blob([adderGraph(0, location)]) },
      { name, blob: weights },
    ],
  })
  expect(await answer('net', 1)).toBe(8)
})

test('a model that is removed is there no more, and neither are its bytes; added again it runs', async () => {
  const { methods, store, addFile, answer } = await setUp()
  await addFile('net.onnx', adderGraph(1))
  await methods.remove('net')
  await expect(methods.manifest('net')).rejects.toMatchObject({ code: 'unknown-model' })
  expect((await store.usage()).totalBytes).toBe(0)
  await addFile('net.onnx', adderGraph(2))
  expect(await answer('net', 1)).toBe(3)
})

test('what is stored and shown by no list can be removed by its name', async () => {
  const { methods, store, addFile } = await setUp()
  await addFile('net.onnx', adderGraph(1))
  await store.notes.change('net', { added: undefined })
  await expect(methods.manifest('net')).rejects.toMatchObject({ code: 'unknown-model' })
  await methods.remove('net')
  expect((await store.usage()).totalBytes).toBe(0)
  await expect(methods.remove('net')).rejects.toMatchObject({ code: 'unknown-model' })
})
