import { expect } from 'vitest'
import type { Manifest } from '../contracts/manifest.ts'
import { type ChunkStore, createChunkStore } from '../models/chunks/chunk-store.ts'
import type { KeyValueStore } from '../models/chunks/key-value-store.ts'
import { openKeyValueStore } from '../models/chunks/open-key-value-store.ts'
import { openRecords, type Records } from '../models/chunks/open-records.ts'
import { type ModelStore, type ModelStoreOptions, openModelStore } from '../models/store/model-store.ts'
import { createFakeFileServer, type FakeFileServer, fakeBytes } from './fake-file-server.ts'
import { fakeManifest } from './fake-manifest.ts'

export const baseUrl = 'https://models.test/m/manifest.json'
export const graph = fakeBytes(2_500, 1)
export const weights = fakeBytes(4_500, 2)
export const manifest = await fakeManifest({ 'model.onnx': graph, 'weights.bin': weights })
export const [graphFile, weightsFile] = manifest.files

/** The databases of one test in a real browser, and a server of the model above. */
export interface StoreFixture {
  readonly server: FakeFileServer
  readonly records: Records
  readonly chunkValues: KeyValueStore
  readonly chunks: ChunkStore
  /** A store of this test's databases: a second one is what another tab would open. */
  open(changes?: ModelStoreOptions): Promise<ModelStore>
  /** The requests that the server got: each one's file and range. */
  asked(): string[]
  remove(): void
}

export async function openStoreFixture(): Promise<StoreFixture> {
  const server = createFakeFileServer({ '/m/model.onnx': graph, '/m/weights.bin': weights })
  const names = [`records-${crypto.randomUUID()}`, `chunks-${crypto.randomUUID()}`]
  const [recordsName = '', chunksName = ''] = names
  const records = await openRecords({ name: recordsName })
  const chunkValues = await openKeyValueStore({ name: chunksName, durability: 'relaxed' })
  const chunks = createChunkStore(chunkValues)
  return {
    server,
    records,
    chunkValues,
    chunks,
    open: (changes = {}) =>
      openModelStore({ records, chunks, chunkBytes: 1_000, fetch: server.fetch, sleep: async () => {}, ...changes }),
    asked: () => server.requests.map(({ url, range }) => `${url.split('/').at(-1)} ${range ?? 'whole'}`),
    remove() {
      for (const name of names) indexedDB.deleteDatabase(name)
    },
  }
}

/** Expects every byte of a model with the files above to be stored. */
export const expectWhole = async (store: ModelStore, model: Manifest = manifest) => {
  expect(await store.state(model)).toEqual({ status: 'stored', totalBytes: 7_000 })
  const files = await store.read(model)
  expect([...files.keys()]).toEqual(['model.onnx', 'weights.bin'])
  expect(files.get('model.onnx')).toEqual(graph)
  expect(files.get('weights.bin')).toEqual(weights)
}
