import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { adderGraph, openAddingFixture, plainOffer, rows } from '../../testing/adding-fixture.ts'
import { fakeBytes } from '../../testing/fake-file-server.ts'
import { openHubServer } from '../../testing/hub-server.ts'
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

  test.each([
    ['net.safetensors', fakeBytes(4_000), 'Export the model as one'],
    ['net.zip', new Uint8Array([0x50, 0x4b, 0x03, 0x04, 0]), 'models.import()'],
    ['net.onnx', new Uint8Array(), 'no ONNX model'],
  ])('that is another thing is refused with what to do: %s', async (name, bytes, words) => {
    const { addFile } = await setUp()
    await expect(addFile(name, bytes)).rejects.toMatchObject({
      code: 'onnx-unreadable',
      message: expect.stringContaining(words),
    })
  })

  test('that cannot be read is no fault of the storage', async () => {
    const { add } = await setUp()
    const gone = new Blob([graph])
    gone.slice = () => {
      throw new DOMException('gone', 'NotReadableError')
    }
    await expect(add({ files: [{ name: 'net.onnx', blob: gone }] })).rejects.toMatchObject({
      code: 'onnx-unreadable',
      message: expect.stringContaining('“net.onnx” cannot be read'),
    })
  })

  test('that no browser can load is refused before it is read', async () => {
    const { add } = await setUp()
    const large = Object.defineProperty(new Blob(), 'size', { value: 2 ** 31 + 1 })
    large.slice = () => expect.unreachable()
    const files = [
      { name: 'net.onnx', blob: new Blob([adderGraph(1, 'w.bin')]) },
      { name: 'w.bin', blob: large },
    ]
    await expect(add({ files })).rejects.toMatchObject({
      code: 'model-unsupported',
      message: expect.stringContaining('2.0 GiB'),
    })
  })

  test('that is no model leaves nothing behind', async () => {
    const { add, store } = await setUp()
    const files = [{ name: 'cat.onnx', blob: new Blob([fakeBytes(4_000)]) }]
    await expect(add({ files })).rejects.toMatchObject({ code: 'onnx-unreadable' })
    expect((await store.usage()).totalBytes).toBe(0)
  })
})

describe('an address', () => {
  test('of a graph whose weights have any letters in their names', async () => {
    const { add, server, registry, store } = await setUp()
    const weights = new Uint8Array(new Float32Array([1]).buffer)
    server.files.set('/a/net%20#1.onnx'.replace('#', '%23'), { bytes: adderGraph(1, '权重 #1?.bin') })
    server.files.set('/a/%E6%9D%83%E9%87%8D%20%231%3F.bin', { bytes: weights })
    expect(await add({ url: 'https://models.test/a/net%20%231.onnx#top' })).toBe('net-1')
    const manifest = await registry.manifest('net-1')
    expect(manifest.title).toBe('net #1.onnx')
    expect((await store.read(manifest)).get('权重 #1?.bin')).toEqual(weights)
    await store.remove(manifest)
    // Both have an address that they can be fetched from again.
    await store.install(manifest, '')
    expect((await store.state(manifest)).status).toBe('stored')
  })

  test.each(['100%.onnx', '%E4%BD.onnx'])('with a broken escape is one all the same: %s', async (name) => {
    const { add, server, registry } = await setUp()
    server.files.set(`/${name}`, { bytes: graph })
    const added = await add({ url: `https://models.test/${name}` })
    expect((await registry.manifest(added)).title).toBe(name)
  })

  test('that is too long for a manifest is added, and has none afterwards', async () => {
    const { add, server, registry } = await setUp()
    server.files.set('/net.onnx', { bytes: graph })
    await add({ url: `https://models.test/net.onnx?signature=${'x'.repeat(2000)}` })
    expect((await registry.manifest('net')).files[0]?.urls).toBeUndefined()
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

  test('weights that are called unlike a hub’s come along; where it lacks them, nothing stays', async () => {
    const own = await openHubServer('owner/own', {
      'onnx/model.onnx': adderGraph(1, '权重 #1.bin'),
      'onnx/权重 #1.bin': new Uint8Array(new Float32Array([1]).buffer),
      'onnx/model_int8.onnx': adderGraph(1, 'gone.bin'),
    })
    try {
      const { add, registry, store } = await setUp()
      await add({ url: `${own.origin}/owner/own`, precision: 'float32' })
      const files = await store.read(await registry.manifest('own'))
      expect([...files.keys()]).toEqual(['model.onnx', '权重 #1.bin'])
      const { totalBytes } = await store.usage()
      await expect(add({ url: `${own.origin}/owner/own`, precision: 'int8', name: 'other' })).rejects.toMatchObject({
        code: 'onnx-unreadable',
        message: expect.stringContaining('“gone.bin”'),
      })
      expect((await store.usage()).totalBytes).toBe(totalBytes)
    } finally {
      await own.close()
    }
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
