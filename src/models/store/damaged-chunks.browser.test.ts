import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fakeBytes } from '../../testing/fake-file-server.ts'
import {
  baseUrl,
  expectWhole,
  manifest,
  openStoreFixture,
  type StoreFixture,
  weights,
  weightsFile,
} from '../../testing/store-fixture.ts'
import { createChunkStore } from '../chunks/chunk-store.ts'

let fixture: StoreFixture
let server: StoreFixture['server']
let chunkValues: StoreFixture['chunkValues']
let chunks: StoreFixture['chunks']
let open: StoreFixture['open']
let asked: StoreFixture['asked']
beforeEach(async () => {
  fixture = await openStoreFixture()
  ;({ server, chunkValues, chunks, open, asked } = fixture)
})
afterEach(() => fixture.remove())

describe('a damaged chunk', () => {
  const damages: [string, () => Promise<unknown>][] = [
    ['other bytes', () => chunkValues.set(`${weightsFile?.sha256}/2`, { blob: new Blob(['x']), sha256: 'y' })],
    [
      'other bytes with their own hash',
      () => chunks.put(weightsFile?.sha256 ?? '', 2, fakeBytes(1_000, 7)).then(() => {}),
    ],
    ['another shape', () => chunkValues.set(`${weightsFile?.sha256}/2`, 'rot')],
    ['deleted', () => chunks.removeChunk(weightsFile?.sha256 ?? '', 2)],
  ]

  test.each(damages)('%s: it alone is fetched again', async (_, damage) => {
    const store = await open()
    await store.install(manifest, baseUrl)
    await damage()
    server.requests.length = 0
    const before = server.sentBytes
    expect((await store.read(manifest)).get('weights.bin')).toEqual(weights)
    expect(asked()).toEqual(['weights.bin bytes=2000-2999'])
    expect(server.sentBytes - before).toBe(1_000)
    await expectWhole(store)
    expect(server.requests).toHaveLength(1)
  })

  test.each(damages)('%s, and no network: a typed error, and the next install heals', async (_, damage) => {
    const store = await open()
    await store.install(manifest, baseUrl)
    await damage()
    server.faults = [{ offline: true }]
    await expect(store.read(manifest)).rejects.toMatchObject({
      name: 'ModelError',
      code: 'stored-model-damaged',
      cause: { code: 'download-failed' },
    })
    expect(await store.state(manifest)).toEqual({ status: 'partial', loadedBytes: 6_000, totalBytes: 7_000 })
    server.requests.length = 0
    await store.install(manifest, baseUrl)
    expect(asked()).toEqual(['weights.bin bytes=2000-2999'])
    await expectWhole(store)
  })

  test('that comes back damaged is not taken', async () => {
    const store = await open()
    await store.install(manifest, baseUrl)
    await chunks.removeChunk(weightsFile?.sha256 ?? '', 2)
    server.faults = [{ flipAt: 2_500 }]
    await expect(store.read(manifest)).rejects.toMatchObject({ code: 'stored-model-damaged' })
  })

  test('heals from a server that ignores ranges', async () => {
    const store = await open()
    await store.install(manifest, baseUrl)
    await chunks.removeChunk(weightsFile?.sha256 ?? '', 4)
    server.lastingFault = { ignoreRange: true }
    await expect(store.read(manifest)).resolves.toBeInstanceOf(Map)
    await expectWhole(store)
  })

  test.each(['NotReadableError', 'NotFoundError', 'UnknownError', 'DataError'])(
    'that cannot be read (%s) heals',
    async (name) => {
      await (await open()).install(manifest, baseUrl)
      const get = async (key: string) => {
        if (key.endsWith('/2')) throw new DOMException('gone', name)
        return chunkValues.get(key)
      }
      // Read together, they cannot be read either: the browser's error comes from one of the Blobs.
      const getMany = async () => []
      const store = await open({ chunks: createChunkStore({ ...chunkValues, get, getMany }) })
      server.requests.length = 0
      await store.read(manifest)
      expect(asked().sort()).toEqual(['model.onnx bytes=2000-', 'weights.bin bytes=2000-2999'])
    },
  )
})
