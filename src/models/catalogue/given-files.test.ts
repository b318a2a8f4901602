import { describe, expect, test } from 'vitest'
import { adderGraph, openAddingFixture, rows } from '../../testing/adding-fixture.ts'
import { tinyOnnx } from '../../testing/tiny-onnx.ts'
import { importModel } from './import-model.ts'

const graphOf = adderGraph
const graph = graphOf(1)
const setUp = openAddingFixture

describe('files given together', () => {
  const outside = tinyOnnx({
    inputs: [rows('x')],
    outputs: [rows('y')],
    nodes: [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }],
    initializers: [{ name: 'c', type: 'float32', dims: [1], data: new Float32Array([1]), file: 'weights.bin' }],
  })
  const weights = new Uint8Array(new Float32Array([1]).buffer)
  const both = () => [
    { name: 'outside.onnx', blob: new Blob([outside]) },
    { name: 'weights.bin', blob: new Blob([weights]) },
  ]

  test('weights beside the graph come along; without them it is refused', async () => {
    const { add, store, registry } = await setUp()
    await expect(add({ files: both().slice(0, 1) })).rejects.toMatchObject({
      code: 'onnx-unreadable',
      message: expect.stringContaining('weights.bin'),
    })
    await add({ files: both() })
    const files = await store.read(await registry.manifest('outside'))
    expect([...files.keys()]).toEqual(['outside.onnx', 'weights.bin'])
  })

  const named = (location: string) => adderGraph(1, location)
  const w = (name: string, bytes = weights) => ({ name, blob: new Blob([bytes]) })

  test.each([
    ['权重.onnx.data', '权重.onnx.data', '权重.onnx.data'],
    ['my weights (1).bin', 'my weights (1).bin', 'my weights (1).bin'],
    ['layer#1.bin', 'layer#1.bin', 'layer#1.bin'],
    ['100%?.bin', '100%?.bin', '100%?.bin'],
    ['.\\parts\\w.bin', 'w.bin', 'parts/w.bin'],
    ['parts/w.bin', 'net/parts/w.bin', 'parts/w.bin'],
    ['./w.bin', 'w.bin', 'w.bin'],
    ['C:\\models\\w.bin', 'w.bin', 'models/w.bin'],
    ['C:w.bin', 'w.bin', 'w.bin'],
    ['onnx::MatMul_12', 'onnx::MatMul_12', 'onnx::MatMul_12'],
    ['layer:0.bin', 'net/layer:0.bin', 'layer:0.bin'],
    ['%2e%2e/w.bin', 'w.bin', '%2e%2e/w.bin'],
    ['a/../w.bin ', 'w.bin ', 'w.bin '],
    ['other.onnx', 'other.onnx', 'other.onnx'],
    ['Weights.BIN', 'weights.bin', 'Weights.BIN'],
    ['poids\u00e9.bin', 'poidse\u0301.bin', 'poids\u00e9.bin'],
  ])('weights that the graph calls %j are the file %j', async (location, name, path) => {
    const { add, store, registry } = await setUp()
    await add({ files: [w('notes.txt', graph), { name: 'net.onnx', blob: new Blob([named(location)]) }, w(name)] })
    const manifest = await registry.manifest('net')
    expect(manifest.externalData).toEqual([location])
    expect((await store.read(manifest)).get(path)).toEqual(weights)
  })

  test.each([
    ['/srv/models/w.bin', [w('w.bin')], 'onnx-unreadable', 'Save the model with its weights beside it'],
    ['parts/w.bin', [w('a/w.bin'), w('b/w.bin')], 'options-invalid', '“a/w.bin”, “b/w.bin”'],
    ['权重.bin', [w('other.bin')], 'onnx-unreadable', '“权重.bin”'],
    ['w.bin', [w('w.bin', new Uint8Array())], 'onnx-unreadable', '“w.bin” has 0 bytes, and the graph needs 4'],
    ['w\u0000.bin', [w('w\u0000.bin')], 'onnx-unreadable', 'Save the model with its weights beside it'],
    ['http://a.test/w.bin', [w('w.bin')], 'onnx-unreadable', 'Save the model with its weights beside it'],
    [`${'d/'.repeat(200)}w.bin`, [w('w.bin')], 'onnx-unreadable', 'Save the model with its weights beside it'],
  ])('weights in %j that cannot be had are refused in the model’s own words', async (location, others, code, words) => {
    const { add, store } = await setUp()
    const adding = add({ files: [{ name: 'net.onnx', blob: new Blob([named(location)]) }, ...others] })
    const error = await adding.catch((refusal: { code: string; message: string }) => refusal)
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) })
    expect(error).not.toMatchObject({ message: expect.stringMatching(/manifest at|files\.\d|a file path/) })
    expect((await store.usage()).totalBytes).toBe(0)
  })

  test('two models at once are refused by their names; a graph that holds the other’s weights is none', async () => {
    const { add } = await setUp()
    const two = [w('a.onnx', graph), w('b.onnx', graphOf(2))]
    await expect(add({ files: two })).rejects.toMatchObject({
      code: 'options-invalid',
      message: expect.stringContaining('“a.onnx”, “b.onnx”'),
    })
    const own = [w('weights.onnx', graphOf(3)), { name: 'net.onnx', blob: new Blob([named('weights.onnx')]) }]
    expect(await add({ files: own })).toBe('net')
  })

  test('weights that are called as the graph would be are beside it', async () => {
    const { add, store, registry } = await setUp()
    expect(await add({ files: [w('网.onnx', named('model.onnx')), w('model.onnx')] })).toBe('model')
    const files = await store.read(await registry.manifest('model'))
    expect([...files.keys()]).toEqual(['model.graph.onnx', 'model.onnx'])
    expect(files.get('model.onnx')).toEqual(weights)
  })

  test('a damaged model beside a good one is named, whose weights it is not', async () => {
    const { add } = await setUp()
    const files = [w('a.onnx', graph), w('b.onnx')]
    await expect(add({ files })).rejects.toMatchObject({ code: 'onnx-unreadable' })
  })

  test('of which the second is wrong: nothing stays of the first', async () => {
    const { add, registry } = await setUp()
    await add({ files: both() })
    const manifest = await registry.manifest('outside')
    const other = await setUp()
    const files = [
      { path: 'outside.onnx', blob: new Blob([outside]) },
      { path: 'weights.bin', blob: new Blob([weights.map((byte) => byte ^ 1)]) },
    ]
    await expect(importModel(manifest, files, other)).rejects.toMatchObject({ code: 'import-invalid' })
    expect((await other.store.usage()).totalBytes).toBe(0)
  })

  test('make room within the budget; what can never fit is refused, and nothing is evicted for it', async () => {
    const { add, store, server } = await setUp({ budgetBytes: outside.length + weights.length })
    server.files.set('/first.onnx', { bytes: graph })
    await add({ url: 'https://models.test/first.onnx' })
    await add({ files: both() })
    expect((await store.usage()).models.map(({ name }) => name)).toEqual(['outside'])
    const wide = { name: 'c', type: 'float32' as const, dims: [500], data: new Float32Array(500) }
    const large = tinyOnnx({
      inputs: [rows('x')],
      outputs: [rows('y')],
      nodes: [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }],
      initializers: [wide],
    })
    const files = [{ name: 'large.onnx', blob: new Blob([large]) }]
    await expect(add({ files })).rejects.toMatchObject({ code: 'storage-full' })
    expect((await store.usage()).models.map(({ name }) => name)).toEqual(['outside'])
  })
})
