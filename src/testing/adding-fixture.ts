import { addModel } from '../models/catalogue/add-model.ts'
import type { AddSource } from '../models/catalogue/add-source.ts'
import { createCatalogue } from '../models/catalogue/catalogue.ts'
import { freeUnlisted } from '../models/catalogue/free-unlisted.ts'
import { type ImportFile, importModel } from '../models/catalogue/import-model.ts'
import { createModelRegistry } from '../models/catalogue/model-registry.ts'
import { createOperatorWithdrawals } from '../models/catalogue/operator-withdrawals.ts'
import { createChunkStore } from '../models/chunks/chunk-store.ts'
import { createMemoryStore } from '../models/chunks/key-value-store.ts'
import type { VariantOffer } from '../models/manifest/pick-variant.ts'
import { openModelStore } from '../models/store/model-store.ts'
import { createFakeFileServer } from './fake-file-server.ts'
import { tinyOnnx } from './tiny-onnx.ts'

export const rows = (name: string) => ({ name, type: 'float32' as const, shape: [-1, 2] })

/** y = x + addend. @param file where the addend lies, if not in the graph */
export const adderGraph = (addend: number, file?: string) =>
  tinyOnnx({
    inputs: [rows('x')],
    outputs: [rows('y')],
    nodes: [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }],
    initializers: [
      {
        name: 'c',
        type: 'float32',
        dims: [1],
        data: new Float32Array([addend]),
        ...(file === undefined ? {} : { file }),
      },
    ],
  })

/** A device without an adapter. */
export const plainOffer: VariantOffer = { backends: ['wasm', 'webgpu'], memoryBytes: 2 ** 31, adapter: undefined }

/** What models are added to: a store in memory, and a catalogue that has a model called `taken`. */
export async function openAddingFixture(
  options: {
    readonly offer?: VariantOffer
    readonly tokens?: Record<string, string>
    readonly budgetBytes?: number
    /** What lies in the databases: another fixture's, for what its next visit finds. */
    readonly values?: ReturnType<typeof createMemoryStore>
    readonly chunkBytes?: number
  } = {},
) {
  const { offer = plainOffer, tokens = {}, values = createMemoryStore(), ...storage } = options
  const authorize = async (url: string) => {
    const token = tokens[new URL(url).origin]
    return token === undefined ? undefined : `Bearer ${token}`
  }
  // In memory mode nothing outlives its thread: the store is told that it keeps.
  const records = { ...values, persistent: true }
  const chunks = { ...createChunkStore(values), persistent: true }
  const server = createFakeFileServer()
  const catalog = { format: 1, models: [{ name: 'taken', revision: '1', manifest: 'taken.json' }] }
  server.files.set('/catalog.json', { bytes: new Uint8Array(new TextEncoder().encode(JSON.stringify(catalog))) })
  const fetch = (url: string, init: RequestInit) =>
    url.startsWith('https://models.test/') ? server.fetch(url, init) : globalThis.fetch(url, init)
  const store = await openModelStore({
    records,
    chunks,
    locks: undefined,
    authorize,
    fetch,
    sleep: async () => {},
    ...storage,
  })
  const catalogue = createCatalogue({ url: 'https://models.test/catalog.json', records, fetch })
  const withdrawnByOperators = createOperatorWithdrawals(records)
  const registry = createModelRegistry({
    catalogue,
    store,
    offer: async () => offer,
    withdrawnByOperators: withdrawnByOperators.list,
  })
  const { signal } = new AbortController()
  const parts = { store, registry, signal }
  const add = (source: AddSource) =>
    addModel(source, { ...parts, offer: async () => offer, authorize, fetch, onProgress: () => {} })
  return {
    ...parts,
    values,
    chunks,
    server,
    withdrawn: withdrawnByOperators,
    freeUnlisted: () => freeUnlisted({ store, records }),
    add,
    import: (manifest: unknown, files: readonly ImportFile[]) => importModel(manifest, files, parts),
    /** Adds one file. */
    addFile: (name: string, bytes: Uint8Array<ArrayBuffer>, facts: Omit<AddSource, 'files' | 'url'> = {}) =>
      add({ ...facts, files: [{ name, blob: new Blob([bytes]) }] }),
  }
}
