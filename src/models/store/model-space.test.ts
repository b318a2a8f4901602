import { beforeEach, describe, expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { createFakeFileServer, type FakeFileServer, fakeBytes } from '../../testing/fake-file-server.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { createChunkCipher } from '../chunks/chunk-cipher.ts'
import { createChunkStore } from '../chunks/chunk-store.ts'
import { createMemoryStore, type KeyValueStore } from '../chunks/key-value-store.ts'
import { type ModelStore, openModelStore } from './model-store.ts'

let server: FakeFileServer
let kept: KeyValueStore
let now = 0

const open = (budgetBytes: number): Promise<ModelStore> =>
  openModelStore({
    records: { ...kept, persistent: true },
    chunks: { ...createChunkStore(kept), persistent: true },
    locks: undefined,
    chunkBytes: 1_000,
    fetch: server.fetch,
    sleep: async () => {},
    now: () => ++now,
    budgetBytes,
  })
const make = async (name: string, seed: number): Promise<Manifest> => {
  const bytes = fakeBytes(3_000, seed)
  server.files.set(`/${name}.onnx`, { bytes })
  return fakeManifest({ [`${name}.onnx`]: bytes }, { name })
}
const base = 'https://models.test/manifest.json'
const names = async (store: ModelStore) => (await store.usage()).models.map(({ name }) => name).toSorted()

beforeEach(() => {
  server = createFakeFileServer()
  kept = createMemoryStore()
})

describe('a budget', () => {
  test('the least recently used model makes room, a pinned one never', async () => {
    const store = await open(9_500)
    const [a, b, c, d] = [await make('a', 1), await make('b', 2), await make('c', 3), await make('d', 4)]
    for (const model of [a, b, c]) await store.install(model, base)
    await store.notes.change('b', { pinned: true })
    // Used last: of those that are not pinned, c was not used for the longest time.
    await store.read(a)
    await store.install(d, base)
    expect(await names(store)).toEqual(['a', 'b', 'd'])
    expect((await store.usage()).totalBytes).toBe(9_000)
  })

  test('what cannot fit is refused before a byte is fetched, and nothing is evicted for it', async () => {
    const store = await open(5_000)
    const [a, b] = [await make('a', 1), await make('b', 2)]
    await store.install(a, base)
    await store.notes.change('a', { pinned: true })
    const before = server.requests.length
    await expect(store.install(b, base)).rejects.toMatchObject({ code: 'storage-full' })
    expect(server.requests).toHaveLength(before)
    expect(await names(store)).toEqual(['a'])
  })

  test('files that another model shares are not counted as freed', async () => {
    const store = await open(7_000)
    const shared = fakeBytes(3_000, 9)
    server.files.set('/shared.bin', { bytes: shared })
    const twin = async (name: string, seed: number) => {
      const own = fakeBytes(500, seed)
      server.files.set(`/${name}.onnx`, { bytes: own })
      return fakeManifest({ [`${name}.onnx`]: own, 'shared.bin': shared }, { name })
    }
    await store.install(await twin('a', 1), base)
    await store.install(await twin('b', 2), base)
    await store.install(await make('c', 3), base)
    // 4,000 + 3,000 fit: nothing had to go.
    expect(await names(store)).toEqual(['a', 'b', 'c'])
    await store.install(await make('d', 4), base)
    expect((await store.usage()).totalBytes).toBeLessThanOrEqual(7_000)
    expect(await names(store)).toContain('d')
  })
})

test('a full device names the models whose removal would make room, and removes none', async () => {
  const [a, b] = [await make('a', 1), await make('b', 2)]
  await (await open(1e9)).install(a, base)
  const set = kept.set
  const file = b.files[0]?.sha256 ?? ''
  kept = {
    ...kept,
    set: async (key, value) => {
      if (key === `${file}/1`) throw new DOMException('full', 'QuotaExceededError')
      await set(key, value)
    },
  }
  const store = await open(1e9)
  await expect(store.install(b, base)).rejects.toMatchObject({
    code: 'storage-full',
    context: { evictable: 'a' },
    message: expect.stringContaining('Removing "a" would make room'),
  })
  expect(await names(store)).toEqual(['a'])
  expect((await store.usage()).partialBytes).toBe(0)
})

test('verify finds every damaged chunk, repairs what it can, and says so', async () => {
  const store = await open(1e9)
  const a = await make('a', 1)
  const sha256 = a.files[0]?.sha256 ?? ''
  await store.install(a, base)
  expect(await store.verify(a)).toEqual({ checkedBytes: 3_000, damagedChunks: 0, repairedChunks: 0, ok: true })
  await kept.set(`${sha256}/1`, { blob: new Blob(['rot']), sha256: 'rot' })
  expect(await store.verify(a)).toEqual({ checkedBytes: 3_000, damagedChunks: 1, repairedChunks: 1, ok: true })
  await kept.del([`${sha256}/0`])
  server.lastingFault = { offline: true }
  expect(await store.verify(a)).toMatchObject({ checkedBytes: 2_000, damagedChunks: 1, repairedChunks: 0, ok: false })
})

describe('encrypted at rest', () => {
  const newKey = () =>
    crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']) as Promise<CryptoKey>
  const bytes = fakeBytes(5_000, 6)

  test('what lies in the store is not the bytes, and comes back as they were', async () => {
    const chunks = createChunkStore(kept, createChunkCipher(await newKey()))
    await chunks.put('f', 0, bytes)
    const stored = (await kept.get('f/0')) as { blob: Blob }
    const raw = new Uint8Array(await stored.blob.arrayBuffer())
    expect(Buffer.from(raw).includes(Buffer.from(bytes.subarray(0, 32)))).toBe(false)
    expect((await chunks.get('f', 0))?.bytes).toEqual(bytes)
    expect(await chunks.bytesOf('f')).toBe(5_000)
  })

  test('another key, a flipped bit or a chunk in another place: not there', async () => {
    const chunks = createChunkStore(kept, createChunkCipher(await newKey()))
    await chunks.put('f', 0, bytes)
    expect(await createChunkStore(kept, createChunkCipher(await newKey())).get('f', 0)).toBeUndefined()
    expect(await createChunkStore(kept).get('f', 0)).toBeUndefined()
    const stored = (await kept.get('f/0')) as { blob: Blob }
    await kept.set('f/1', stored)
    expect(await chunks.get('f', 1)).toBeUndefined()
    const raw = new Uint8Array(await stored.blob.arrayBuffer())
    raw[7] = (raw[7] ?? 0) ^ 1
    await kept.set('f/0', { ...stored, blob: new Blob([raw]) })
    expect(await chunks.get('f', 0)).toBeUndefined()
  })

  test('chunks that were stored before it was asked for stay readable', async () => {
    await createChunkStore(kept).put('f', 0, bytes)
    const chunks = createChunkStore(kept, createChunkCipher(await newKey()))
    expect((await chunks.get('f', 0))?.bytes).toEqual(bytes)
  })

  test('the key cannot be taken out', async () => {
    await expect(crypto.subtle.exportKey('raw', await newKey())).rejects.toThrow()
  })
})
