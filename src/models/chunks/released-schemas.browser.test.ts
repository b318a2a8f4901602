import { afterEach, describe, expect, test } from 'vitest'
import { fakeBytes } from '../../testing/fake-file-server.ts'
import { fakeManifest } from '../../testing/fake-manifest.ts'
import v1 from '../../testing/schemas/v1.json'
import { openModelStore } from '../store/model-store.ts'
import { openChunkStore } from './chunk-store.ts'
import { openRecords } from './open-records.ts'

type Dump = typeof v1
const prefix = `schema-${crypto.randomUUID()}-`
const nameOf = (name: string) => prefix + name

/** A value as it was dumped: Blobs lie in it as base64. */
const revive = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'blob' in value && typeof value.blob === 'string'
    ? { ...value, blob: new Blob([Uint8Array.from(atob(value.blob), (letter) => letter.charCodeAt(0))]) }
    : value

/** Makes the databases as that release left them, by IndexedDB's own means. */
async function restore({ databases }: Dump, versionAhead = 0): Promise<void> {
  for (const { name, version, stores } of databases) {
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.open(nameOf(name), version + versionAhead)
      request.onerror = () => reject(request.error)
      request.onupgradeneeded = () => {
        for (const store of stores) {
          const { autoIncrement, keyPath, values } = store
          const objects = request.result.createObjectStore(store.name, { autoIncrement, keyPath })
          for (const [key, value] of Object.entries(values)) objects.put(revive(value), key)
        }
      }
      request.onsuccess = () => {
        request.result.close()
        resolve()
      }
    })
  }
}
const open = async () =>
  openModelStore({
    records: await openRecords({ name: nameOf('hither-records') }),
    chunks: await openChunkStore({ name: nameOf('hither-chunks') }),
    chunkBytes: 1_000,
    locks: undefined,
    fetch: async () => Response.error(),
  })

afterEach(() => {
  for (const { name } of v1.databases) indexedDB.deleteDatabase(nameOf(name))
})

describe.each([['0.1.0', v1]])('what release %s left behind', (_, dump) => {
  test('is read: the whole model, the half one, and what was noted of them', async () => {
    await restore(dump)
    const store = await open()
    expect(store.persistent).toBe(true)
    const graph = fakeBytes(1_500, 1)
    const weights = fakeBytes(700, 2)
    const manifest = await fakeManifest({ 'model.onnx': graph, 'weights.bin': weights })
    expect(await store.state(manifest)).toEqual({ status: 'stored', totalBytes: 2_200 })
    const files = await store.read(manifest)
    expect(files.get('model.onnx')).toEqual(graph)
    expect(files.get('weights.bin')).toEqual(weights)
    expect(await store.notes.get('fake')).toMatchObject({ pinned: true })
    const half = await fakeManifest({ 'half.onnx': fakeBytes(2_500, 3) }, { name: 'half' })
    expect(await store.state(half)).toEqual({ status: 'partial', loadedBytes: 1_000, totalBytes: 2_500 })
  })

  test('of a later schema is left untouched, and this release works from memory', async () => {
    await restore(dump, 1)
    const store = await open()
    expect(store.persistent).toBe(false)
    await store.notes.change('fake', { paused: true })
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(nameOf('hither-records'))
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
    expect(database.version).toBe(2)
    const keys = await new Promise((resolve) => {
      const request = database.transaction('keyval').objectStore('keyval').getAllKeys()
      request.onsuccess = () => resolve(request.result)
    })
    database.close()
    const [records] = dump.databases
    expect(keys).toEqual(Object.keys(records?.stores[0]?.values ?? {}).toSorted())
  })
})
