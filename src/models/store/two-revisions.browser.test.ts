import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import { fakeBytes } from '../../testing/fake-file-server.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
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
let records: StoreFixture['records']
let chunkValues: StoreFixture['chunkValues']
let open: StoreFixture['open']
beforeEach(async () => {
  fixture = await openStoreFixture()
  ;({ server, records, chunkValues, open } = fixture)
})
afterEach(() => fixture.remove())

describe('two revisions that share a file', () => {
  const newGraph = fakeBytes(1_200, 5)
  const nextUrl = 'https://models.test/n/manifest.json'
  let next: Manifest

  beforeEach(async () => {
    next = await fakeManifest({ 'model.onnx': newGraph, 'weights.bin': weights }, { revision: '2' })
    server.files.set('/n/model.onnx', { bytes: newGraph })
    server.files.set('/n/weights.bin', { bytes: weights })
  })

  test('hold it once, and removing one keeps it for the other', async () => {
    const store = await open()
    await store.install(manifest, baseUrl)
    await store.install(next, nextUrl)
    expect(server.sentBytes).toBe(7_000 + 1_200)
    expect(await store.usage()).toMatchObject({ persistent: true, partialBytes: 0, totalBytes: 8_200 })
    await store.remove(manifest)
    expect(await store.state(manifest)).toEqual({ status: 'partial', loadedBytes: 4_500, totalBytes: 7_000 })
    expect(await store.state(next)).toEqual({ status: 'stored', totalBytes: 5_700 })
    expect((await store.read(next)).get('weights.bin')).toEqual(weights)
    await store.remove(next)
    expect(await store.usage()).toEqual({ persistent: true, models: [], partialBytes: 0, totalBytes: 0 })
    expect(await records.keys()).toEqual([])
  })

  test('a full device: the other model stays whole, nothing is left of the new one', async () => {
    await (await open()).install(manifest, baseUrl)
    const before = await chunkValues.keys()
    const set = async (key: string, value: unknown) => {
      if (key.endsWith('/1')) throw new DOMException('full', 'QuotaExceededError')
      await chunkValues.set(key, value)
    }
    const store = await open({ chunks: createChunkStore({ ...chunkValues, set }) })
    await expect(store.install(next, nextUrl)).rejects.toMatchObject({ name: 'ModelError', code: 'storage-full' })
    expect((await chunkValues.keys()).toSorted()).toEqual(before.toSorted())
    await expectWhole(store)
  })

  test('a full device after the first of two files: both are gone', async () => {
    const set = async (key: string, value: unknown) => {
      if (key.startsWith(weightsFile?.sha256 ?? '')) throw new DOMException('full', 'QuotaExceededError')
      await chunkValues.set(key, value)
    }
    const store = await open({ chunks: createChunkStore({ ...chunkValues, set }) })
    await expect(store.install(manifest, baseUrl)).rejects.toMatchObject({ code: 'storage-full' })
    expect(await chunkValues.keys()).toEqual([])
  })

  test('a full device at the record: the same', async () => {
    const set = async (key: string, value: unknown) => {
      if (key.startsWith('model/')) throw new DOMException('full', 'QuotaExceededError')
      await records.set(key, value)
    }
    const store = await open({ records: { ...records, set } })
    await expect(store.install(manifest, baseUrl)).rejects.toMatchObject({ code: 'storage-full' })
    expect(await store.state(manifest)).toEqual({ status: 'absent' })
  })
})
