import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Progress } from '../../contracts/model-state.ts'
import { createFakeFileServer, fakeBytes } from '../../testing/fake-file-server.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import { createManualTimers } from '../../testing/manual-timers.ts'
import {
  baseUrl,
  expectWhole,
  graphFile,
  manifest,
  openStoreFixture,
  type StoreFixture,
  weights,
} from '../../testing/store-fixture.ts'
import { openChunkStore } from '../chunks/chunk-store.ts'
import { openRecords, type Records } from '../chunks/open-records.ts'
import { openModelStore } from './model-store.ts'

let fixture: StoreFixture
let server: StoreFixture['server']
let records: StoreFixture['records']
let chunks: StoreFixture['chunks']
let open: StoreFixture['open']
let asked: StoreFixture['asked']
beforeEach(async () => {
  fixture = await openStoreFixture()
  ;({ server, records, chunks, open, asked } = fixture)
})
afterEach(() => fixture.remove())

test('a model is absent, then stored, and a later visit moves no byte', async () => {
  const progress: Progress[] = []
  const store = await open()
  expect(store.persistent).toBe(true)
  expect(await store.state(manifest)).toEqual({ status: 'absent' })
  await store.install(manifest, baseUrl, { onProgress: (report) => progress.push(report) })
  await expectWhole(store)
  expect(asked()).toEqual(['model.onnx whole', 'weights.bin whole'])
  expect(progress.at(-1)).toMatchObject({ loadedBytes: 7_000, totalBytes: 7_000 })
  const loaded = progress.map((report) => report.loadedBytes)
  expect(loaded).toEqual([...loaded].sort((a, b) => a - b))

  const later = await open()
  await expectWhole(later)
  await later.install(manifest, baseUrl)
  expect(server.requests).toHaveLength(2)
})

test('an aborted install is partial, and the next one moves only what is missing', async () => {
  const store = await open()
  const controller = new AbortController()
  const reason = new Error('enough')
  server.onPiece = () => {
    if (server.sentBytes >= 2_500 + 2_400) controller.abort(reason)
  }
  await expect(store.install(manifest, baseUrl, { signal: controller.signal })).rejects.toBe(reason)
  server.onPiece = () => {}
  await expect.poll(() => navigator.locks.query().then((locks) => locks.held?.length)).toBe(0)
  expect(await store.state(manifest)).toEqual({ status: 'partial', loadedBytes: 4_500, totalBytes: 7_000 })
  await (await open()).install(manifest, baseUrl)
  expect(asked()).toEqual(['model.onnx whole', 'weights.bin whole', 'weights.bin bytes=2000-'])
  await expectWhole(store)
})

test('killed between the last chunk and the record: never stored, and no byte moves again', async () => {
  const killed: Records = {
    ...records,
    set: async (key, value) => {
      if (key.startsWith('model/')) throw new Error('killed')
      await records.set(key, value)
    },
  }
  await expect((await open({ records: killed })).install(manifest, baseUrl)).rejects.toThrow('killed')
  const store = await open()
  expect(await store.state(manifest)).toEqual({ status: 'partial', loadedBytes: 7_000, totalBytes: 7_000 })
  await expect(store.read(manifest)).rejects.toMatchObject({ code: 'stored-model-damaged' })
  await store.install(manifest, baseUrl)
  expect(server.requests).toHaveLength(2)
  await expectWhole(store)
})

describe('one download', () => {
  test('for two callers of one store; one that leaves does not end it', async () => {
    const store = await open()
    const controller = new AbortController()
    const late: Progress[] = []
    const first = store.install(manifest, baseUrl, { signal: controller.signal })
    const second = store.install(manifest, baseUrl, { onProgress: (report) => late.push(report) })
    server.onPiece = () => controller.abort('bye')
    await expect(first).rejects.toBe('bye')
    await second
    expect(server.requests).toHaveLength(2)
    expect(late.at(-1)).toMatchObject({ loadedBytes: 7_000, totalBytes: 7_000 })
    await expectWhole(store)
  })

  test('for two tabs: the one that waits finds the files stored', async () => {
    const [one, two] = await Promise.all([open(), open()])
    const late: Progress[] = []
    await Promise.all([
      one.install(manifest, baseUrl),
      two.install(manifest, baseUrl, { onProgress: (report) => late.push(report) }),
    ])
    expect(server.sentBytes).toBe(7_000)
    expect(late.at(-1)).toMatchObject({ loadedBytes: 7_000, totalBytes: 7_000 })
    await expectWhole(two)
  })

  test('for two tabs, of which the first one fails: the other takes over and moves only the rest', async () => {
    const [one, two] = await Promise.all([open(), open()])
    const controller = new AbortController()
    server.onPiece = () => {
      if (server.sentBytes >= 1_500) controller.abort('closed')
    }
    const first = one.install(manifest, baseUrl, { signal: controller.signal })
    const second = two.install(manifest, baseUrl)
    await expect(first).rejects.toBe('closed')
    await second
    expect(asked()).toEqual(['model.onnx whole', 'model.onnx bytes=1000-', 'weights.bin whole'])
    await expectWhole(two)
  })

  test('where there are no locks, all goes on without', async () => {
    const store = await open({ locks: undefined })
    await store.install(manifest, baseUrl)
    await expectWhole(store)
  })
})

test('remove ends an install under way', async () => {
  const store = await open()
  let removed: Promise<void> | undefined
  server.onPiece = () => {
    removed ??= store.remove(manifest)
  }
  await expect(store.install(manifest, baseUrl)).rejects.toMatchObject({ name: 'AbortError' })
  await removed
  expect(await store.state(manifest)).toEqual({ status: 'absent' })
})

test('a file that another tab removes before the record is written is fetched again', async () => {
  const store = await open()
  let isRemoved = false
  server.onPiece = () => {
    if (isRemoved || server.sentBytes < 3_000) return
    isRemoved = true
    return chunks.remove(graphFile?.sha256 ?? '')
  }
  await store.install(manifest, baseUrl)
  expect(asked()).toEqual(['model.onnx whole', 'weights.bin whole', 'model.onnx whole'])
  await expectWhole(store)
})

test('a record of other files under the same name and revision counts as none', async () => {
  const store = await open()
  await store.install(manifest, baseUrl)
  const changed = await fakeManifest({ 'model.onnx': fakeBytes(2_500, 8), 'weights.bin': weights })
  expect(await store.state(changed)).toMatchObject({ status: 'partial' })
})

test('an unreadable record counts as none', async () => {
  const store = await open()
  await store.install(manifest, baseUrl)
  await records.set('model/fake@1', { format: 2, what: 'a later version wrote' })
  expect(await store.state(manifest)).toMatchObject({ status: 'partial', loadedBytes: 7_000 })
})

test('usage tells finished models from downloads under way', async () => {
  const store = await open({ now: () => 1_234 })
  server.faults = [undefined, { status: 404 }]
  await expect(store.install(manifest, baseUrl)).rejects.toMatchObject({ code: 'download-failed' })
  expect(await store.usage()).toEqual({ persistent: true, models: [], partialBytes: 2_500, totalBytes: 2_500 })
  await store.install(manifest, baseUrl)
  expect(await store.usage()).toEqual({
    persistent: true,
    models: [{ name: 'fake', revision: '1', bytes: 7_000, storedAtMs: 1_234, pinned: false }],
    partialBytes: 0,
    totalBytes: 7_000,
  })
})

describe('memory mode', () => {
  const mute = { open: () => ({}) } as unknown as IDBFactory

  test.each([
    ['IndexedDB never answers', mute],
    ['IndexedDB is missing', undefined],
  ])('%s: everything works from memory', async (_, indexedDB) => {
    const timers = createManualTimers()
    const opening = openRecords({ indexedDB, timers })
    timers.fireAll()
    const store = await openModelStore({ records: await opening, chunkBytes: 1_000, fetch: server.fetch })
    expect(store.persistent).toBe(false)
    await store.install(manifest, baseUrl)
    await expectWhole(store)
    await store.remove(manifest)
    expect(await store.state(manifest)).toEqual({ status: 'absent' })
    expect(await records.keys()).toEqual([])
  })

  test('chunks in memory: no record outlives them', async () => {
    const store = await open({ chunks: await openChunkStore({ indexedDB: undefined }) })
    expect(store.persistent).toBe(false)
    await store.install(manifest, baseUrl)
    await expectWhole(store)
    expect(await records.keys()).toEqual([])
  })
})

test('the default chunk is 8 MiB', async () => {
  const big = fakeBytes(8 * 1024 * 1024 + 5, 3)
  server = createFakeFileServer({ '/m/big.onnx': big }, { pieceBytes: 2 ** 20 })
  const model = await fakeManifest({ 'big.onnx': big })
  const store = await open({ chunkBytes: undefined, fetch: server.fetch })
  await store.install(model, baseUrl)
  expect([...(await chunks.indexes(model.files[0]?.sha256 ?? ''))]).toEqual([0, 1])
  const bytes = (await store.read(model)).get('big.onnx')
  expect(bytes?.byteLength).toBe(big.byteLength)
  expect(bytes?.every((byte, index) => byte === big[index])).toBe(true)
})
