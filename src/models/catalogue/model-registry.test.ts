import { beforeEach, describe, expect, test } from 'vitest'
import type { Catalog, Manifest } from '../../contracts/manifest.ts'
import { createFakeFileServer, type FakeFileServer, fakeBytes } from '../../testing/fake-file-server.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { createChunkStore } from '../chunks/chunk-store.ts'
import { createMemoryStore, type KeyValueStore } from '../chunks/key-value-store.ts'
import type { VariantOffer } from '../manifest/pick-variant.ts'
import { type ModelStore, openModelStore } from '../store/model-store.ts'
import { createCatalogue } from './catalogue.ts'
import { createModelRegistry, type ModelRegistry } from './model-registry.ts'
import { createOperatorWithdrawals, type OperatorWithdrawals } from './operator-withdrawals.ts'

const catalogUrl = 'https://models.test/catalog.json'
const graph1 = fakeBytes(2_500, 1)
const graph2 = fakeBytes(2_600, 2)
const half = fakeBytes(1_300, 3)
const weights = fakeBytes(3_500, 4)
const plain: VariantOffer = { backends: ['wasm', 'webgpu'], memoryBytes: 2 ** 31, adapter: undefined }
const adapter = { name: 'gpu', software: false, shaderF16: true, maxBufferBytes: 2 ** 30 }

let server: FakeFileServer
let kept: KeyValueStore
let store: ModelStore
let offer: VariantOffer
let registry: ModelRegistry
let operators: OperatorWithdrawals

const text = (value: unknown) => ({ bytes: new Uint8Array(new TextEncoder().encode(JSON.stringify(value))) })
const publish = (catalog: Partial<Catalog>, manifests: readonly Manifest[]) => {
  server.files.set('/catalog.json', text({ format: 1, models: [], ...catalog }))
  for (const manifest of manifests)
    server.files.set(`/${manifest.name}/${manifest.revision}/manifest.json`, text(manifest))
}
const entry = ({ name, revision }: Manifest) => ({ name, revision, manifest: `${name}/${revision}/manifest.json` })
/** What a new page of the same browser opens. */
const open = async () => {
  // In memory mode there is no record that could outlive this thread: the tests hand in a store that says it keeps.
  const persistent: KeyValueStore = { ...kept, persistent: true }
  store = await openModelStore({
    records: persistent,
    chunks: { ...createChunkStore(kept), persistent: true },
    locks: undefined,
    chunkBytes: 1_000,
    fetch: server.fetch,
    sleep: async () => {},
  })
  const catalogue = createCatalogue({ url: catalogUrl, records: persistent, fetch: server.fetch })
  operators = createOperatorWithdrawals(persistent)
  registry = createModelRegistry({ catalogue, store, offer: async () => offer, withdrawnByOperators: operators.list })
}
const install = async (manifest: Manifest) => store.install(manifest, await registry.baseUrl(manifest))

let one: Manifest
let two: Manifest
beforeEach(async () => {
  one = await fakeManifest({ 'model.onnx': graph1, 'weights.bin': weights })
  two = await fakeManifest({ 'model.onnx': graph2, 'weights.bin': weights }, { revision: '2' })
  server = createFakeFileServer({
    '/fake/1/model.onnx': graph1,
    '/fake/1/weights.bin': weights,
    '/fake/2/model.onnx': graph2,
    '/fake/2/weights.bin': weights,
    '/fake/1/half.onnx': half,
  })
  kept = createMemoryStore()
  offer = plain
  publish({ serial: 1, models: [entry(one)] }, [one, two])
  await open()
})

describe('updates', () => {
  beforeEach(async () => {
    await install(await registry.manifest('fake'))
    publish({ serial: 2, models: [entry(two)] }, [one, two])
    await open()
  })

  test('the stored revision serves until the new one does, and the shared file moves once', async () => {
    expect((await registry.manifest('fake')).revision).toBe('1')
    const asked = server.requests.length
    expect(await registry.isOutdated('fake')).toBe(true)
    expect(server.requests).toHaveLength(asked)
    const newer = await registry.newer('fake')
    expect(newer?.revision).toBe('2')
    if (newer === undefined) return
    await registry.keepServing('fake', '1')
    const before = server.sentBytes
    await install(newer)
    expect(server.sentBytes - before).toBeLessThan(graph2.length + 1_000)
    // Verified and stored, but its canary has not answered yet: also after a reload the old one serves.
    await open()
    expect((await registry.manifest('fake')).revision).toBe('1')
    await registry.switchTo(newer)
    expect((await registry.manifest('fake')).revision).toBe('2')
    expect((await store.usage()).models.map(({ revision }) => revision)).toEqual(['2'])
    expect(await store.state(two)).toMatchObject({ status: 'stored' })
    expect(await registry.newer('fake')).toBeUndefined()
  })

  test('one that failed its canary is freed, not tried again, and the old one serves on', async () => {
    const newer = await registry.newer('fake')
    if (newer === undefined) throw new Error('no newer revision')
    await install(newer)
    await registry.refuse(newer)
    await open()
    expect(await registry.newer('fake')).toBeUndefined()
    expect(await registry.isOutdated('fake')).toBe(false)
    expect((await registry.manifest('fake')).revision).toBe('1')
    expect(await store.state(one)).toMatchObject({ status: 'stored' })
    expect(await store.state(two)).toMatchObject({ status: 'partial', loadedBytes: weights.length })
  })

  test('an old one of which a part is lost gives way to the new one', async () => {
    await createChunkStore(kept).removeChunk(one.files[0]?.sha256 ?? '', 1)
    expect((await registry.manifest('fake')).revision).toBe('2')
  })
})

describe('withdrawn revisions', () => {
  test('are refused, and purged where they are stored', async () => {
    await install(await registry.manifest('fake'))
    publish(
      { serial: 2, models: [entry(one)], withdrawn: [{ name: 'fake', revision: '1', reason: 'wrong answers' }] },
      [one],
    )
    await open()
    await expect(registry.manifest('fake')).rejects.toMatchObject({
      code: 'model-withdrawn',
      message: 'Revision 1 of "fake" was withdrawn: wrong answers.',
    })
    expect(await store.usage()).toMatchObject({ models: [], totalBytes: 0 })
    expect(await registry.names()).toEqual([])
  })

  test('a stored one gives way to its successor', async () => {
    await install(await registry.manifest('fake'))
    publish({ serial: 2, models: [entry(two)], withdrawn: [{ name: 'fake', revision: '1' }] }, [one, two])
    await open()
    expect((await registry.manifest('fake')).revision).toBe('2')
    expect((await store.usage()).models).toEqual([])
  })

  test('an older catalogue cannot bring them back', async () => {
    publish({ serial: 5, models: [entry(two)], withdrawn: [{ name: 'fake', revision: '1' }] }, [one, two])
    await open()
    await registry.names()
    publish({ serial: 4, models: [entry(one)] }, [one])
    await open()
    expect((await registry.manifest('fake')).revision).toBe('2')
  })
})

describe('variants', () => {
  beforeEach(async () => {
    const [file] = (await fakeManifest({ 'half.onnx': half })).files
    if (file === undefined) throw new Error('no file')
    const requires = { backends: ['webgpu' as const], shaderF16: true }
    const variants = [{ name: 'f16', precision: 'float16' as const, files: [file], graph: 'half.onnx', requires }]
    publish({ models: [entry(one)] }, [{ ...one, variants }])
    await open()
  })

  test('a device that can run the better one gets its files only', async () => {
    offer = { ...plain, adapter }
    const picked = await registry.manifest('fake')
    expect(picked).toMatchObject({ variant: 'f16', precision: 'float16', graph: 'half.onnx' })
    await install(picked)
    expect((await store.usage()).totalBytes).toBe(half.length)
  })

  test.each<[string, VariantOffer]>([
    ['no adapter', plain],
    ['an adapter without 16-bit floats', { ...plain, adapter: { ...adapter, shaderF16: false } }],
    ['an adapter on the processor', { ...plain, adapter: { ...adapter, software: true } }],
    ['WebGPU not allowed', { ...plain, backends: ['wasm'], adapter }],
  ])('%s: the files that run anywhere', async (_, given) => {
    offer = given
    const picked = await registry.manifest('fake')
    expect(picked.variant).toBeUndefined()
    expect(picked.graph).toBe('model.onnx')
  })

  test('what is stored stays in use, when the other one would have been picked today', async () => {
    await install(await registry.manifest('fake'))
    offer = { ...plain, adapter }
    expect((await registry.manifest('fake')).graph).toBe('model.onnx')
  })
})

test('without a network, what is stored serves; a catalogue was never seen or is gone', async () => {
  await install(await registry.manifest('fake'))
  await kept.del((await kept.keys('catalog/')).concat(await kept.keys('manifest/')))
  server.lastingFault = { offline: true }
  await open()
  expect((await registry.manifest('fake')).revision).toBe('1')
})

describe('what an operator withdraws', () => {
  beforeEach(async () => {
    publish({ models: [entry(one)] }, [one])
    await open()
    await install(await registry.manifest('fake'))
  })

  test.each([
    ['this revision', '1'],
    ['every revision', undefined],
  ])('is refused and freed: %s', async (_, revision) => {
    await operators.set([{ name: 'fake', revision, reason: 'It was wrong' }], true)
    await registry.purge()
    expect(await store.records()).toEqual([])
    await expect(registry.manifest('fake')).rejects.toMatchObject({
      code: 'model-withdrawn',
      message: expect.stringContaining('It was wrong.'),
    })
    expect(await registry.names()).toEqual([])
  })

  test('stays so at the next visit, also offline', async () => {
    await operators.set([{ name: 'fake' }], true)
    await registry.purge()
    server.files.clear()
    await open()
    await expect(registry.manifest('fake')).rejects.toMatchObject({ code: 'model-withdrawn' })
  })

  test('is lifted when all endpoints say so, and not before', async () => {
    await operators.set([{ name: 'fake' }], true)
    await operators.set([], false)
    await expect(registry.manifest('fake')).rejects.toMatchObject({ code: 'model-withdrawn' })
    await operators.set([], true)
    expect((await registry.manifest('fake')).revision).toBe('1')
  })

  test('is another revision: this one serves on', async () => {
    await operators.set([{ name: 'fake', revision: '0' }], true)
    await registry.purge()
    expect(await store.records()).toHaveLength(1)
    expect((await registry.manifest('fake')).revision).toBe('1')
  })
})
