import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { adderGraph, openAddingFixture, plainOffer, rows } from '../../testing/adding-fixture.ts'
import { fakeBytes } from '../../testing/fake-file-server.ts'
import { openHubServer } from '../../testing/hub-server.ts'
import { tinyOnnx } from '../../testing/tiny-onnx.ts'
import type { VariantOffer } from '../manifest/pick-variant.ts'
import { importModel } from './import-model.ts'

const graphOf = adderGraph
const graph = graphOf(1)
const adapter = { name: 'gpu', software: false, shaderF16: true, maxBufferBytes: 2 ** 30 }
const plain = plainOffer
const setUp = openAddingFixture

describe('a file', () => {
  test('becomes a model: its manifest is drafted, its bytes are pinned and stored', async () => {
    const { add, registry, store } = await setUp()
    expect(await add({ files: [{ name: 'My model.onnx', blob: new Blob([graph]) }] })).toBe('My-model')
    const manifest = await registry.manifest('My-model')
    expect(manifest).toMatchObject({
      title: 'My model.onnx',
      task: 'tensors',
      opset: 17,
      inputs: [rows('x')],
      outputs: [rows('y')],
      files: [{ bytes: graph.length }],
    })
    expect((await store.read(manifest)).get(manifest.graph)).toEqual(graph)
    expect(await registry.names()).toEqual(['taken', 'My-model'])
  })

  test('of a name that the catalogue has is refused', async () => {
    const { add, store } = await setUp()
    const files = [{ name: 'taken.onnx', blob: new Blob([graph]) }]
    await expect(add({ files })).rejects.toMatchObject({ code: 'model-exists' })
    expect((await store.usage()).totalBytes).toBe(0)
    expect(await add({ files, name: 'mine' })).toBe('mine')
  })

  test('that is no model leaves nothing behind', async () => {
    const { add, store } = await setUp()
    const files = [{ name: 'cat.onnx', blob: new Blob([fakeBytes(4_000)]) }]
    await expect(add({ files })).rejects.toMatchObject({ code: 'onnx-unreadable' })
    expect((await store.usage()).totalBytes).toBe(0)
  })
})

describe('a hub with redirects', () => {
  const half = graphOf(2)
  const int8 = graphOf(3)
  const config = new TextEncoder().encode('{"model_type":"tiny"}')
  let hub: Awaited<ReturnType<typeof openHubServer>>

  beforeEach(async () => {
    hub = await openHubServer(
      'owner/tiny',
      {
        'README.md': new TextEncoder().encode('# tiny'),
        'config.json': config,
        'tokenizer.json': new TextEncoder().encode('{}'),
        'onnx/model.onnx': graph,
        'onnx/model_fp16.onnx': half,
        'onnx/model_quantized.onnx': int8,
      },
      { token: 'secret' },
    )
  })
  afterEach(() => hub.close())

  test('the revision is pinned, small files come along, and the token stays with the hub', async () => {
    const { add, registry, store } = await setUp({ tokens: { [hub.origin]: 'secret' } })
    expect(await add({ url: `${hub.origin}/owner/tiny`, precision: 'float32' })).toBe('tiny')
    const manifest = await registry.manifest('tiny')
    expect(manifest).toMatchObject({
      revision: hub.revision,
      precision: 'float32',
      graph: 'model.onnx',
      license: { name: 'mit' },
      inputs: [rows('x')],
    })
    expect(manifest.files.map(({ path }) => path)).toEqual(['config.json', 'tokenizer.json', 'model.onnx'])
    const files = await store.read(manifest)
    expect(files.get('model.onnx')).toEqual(graph)
    expect(files.get('config.json')).toEqual(config)
    // The large file came from another origin, which never saw the token.
    expect(hub.requests.filter(({ origin }) => origin === 'files').map(({ authorization }) => authorization)).toEqual([
      undefined,
    ])
    expect(
      hub.requests
        .filter(({ origin }) => origin === 'hub')
        .every(({ authorization }) => authorization === 'Bearer secret'),
    ).toBe(true)
  })

  test.each<[string, VariantOffer, Uint8Array]>([
    ['no adapter: 8-bit weights on WASM', plain, int8],
    ['16-bit floats on the adapter', { ...plain, adapter }, half],
    ['an adapter on the processor counts as none', { ...plain, adapter: { ...adapter, software: true } }, int8],
    ['WebGPU only, without 16-bit floats', { ...plain, backends: ['webgpu'] }, graph],
  ])('%s', async (_, offer, expected) => {
    const { add, registry, store } = await setUp({ offer, tokens: { [hub.origin]: 'secret' } })
    await add({ url: `${hub.origin}/owner/tiny/tree/main` })
    const manifest = await registry.manifest('tiny')
    expect((await store.read(manifest)).get(manifest.graph)).toEqual(expected)
  })

  test('one graph of it, by its address', async () => {
    const { add, registry } = await setUp({ tokens: { [hub.origin]: 'secret' } })
    await add({ url: `${hub.origin}/owner/tiny/blob/main/onnx/model_fp16.onnx`, name: 'half' })
    expect((await registry.manifest('half')).graph).toBe('model_fp16.onnx')
  })

  test('without the token it is a typed error, and the token of another origin is not sent', async () => {
    const { add } = await setUp({ tokens: { 'http://127.0.0.1:1': 'secret' } })
    await expect(add({ url: `${hub.origin}/owner/tiny` })).rejects.toMatchObject({ code: 'catalog-unavailable' })
    expect(hub.requests.map(({ authorization }) => authorization)).toEqual([undefined])
  })

  test('a damaged chunk heals from the pinned address', async () => {
    const { add, registry, store, chunks } = await setUp({ tokens: { [hub.origin]: 'secret' } })
    await add({ url: `${hub.origin}/owner/tiny`, precision: 'float32' })
    const manifest = await registry.manifest('tiny')
    const file = manifest.files.find(({ path }) => path === manifest.graph)
    await chunks.removeChunk(file?.sha256 ?? '', 0)
    expect((await store.read(manifest)).get('model.onnx')).toEqual(graph)
  })
})

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

describe('an import', () => {
  const filesOf = (bytes: Uint8Array<ArrayBuffer>) => [{ path: 'My-model.onnx', blob: new Blob([bytes]) }]
  const drafted = async () => {
    const { add, registry } = await setUp()
    await add({ files: [{ name: 'My model.onnx', blob: new Blob([graph]) }] })
    return registry.manifest('My-model')
  }

  test('stores what the manifest promises, without a network', async () => {
    const manifest = await drafted()
    const { store, registry, signal } = await setUp()
    expect(await importModel(manifest, filesOf(graph), { store, registry, signal })).toBe('My-model')
    expect((await store.read(await registry.manifest('My-model'))).get('My-model.onnx')).toEqual(graph)
  })

  test.each<[string, ReturnType<typeof filesOf>]>([
    ['other bytes', filesOf(graphOf(9))],
    ['a file that is missing', []],
  ])('%s: refused, nothing stored', async (_, files) => {
    const manifest = await drafted()
    const { store, registry, signal } = await setUp()
    await expect(importModel(manifest, files, { store, registry, signal })).rejects.toMatchObject({
      code: 'import-invalid',
    })
    expect(await registry.names()).toEqual(['taken'])
    expect((await store.usage()).totalBytes).toBe(0)
  })
})
