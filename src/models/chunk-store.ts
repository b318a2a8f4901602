import type { KeyValueStore } from './key-value-store.ts'
import type { DatabaseOptions } from './open-database.ts'
import { openKeyValueStore } from './open-key-value-store.ts'
import { sha256Hex } from './sha256.ts'

/** Bytes of a chunk. Larger single values abort or crash in some browsers; smaller ones read slower. */
export const defaultChunkBytes = 8 * 1024 * 1024

/**
 * A file's bytes in chunks, under the sha256 of the whole file: two models that share a file hold it once. Each chunk
 * lies beside its own sha256, so that one that rotted is found without the rest of the file.
 */
export interface ChunkStore {
  readonly persistent: boolean
  /** Returns the chunk's sha256. A `QuotaExceededError` passes through as it is. */
  put(fileSha256: string, index: number, bytes: Uint8Array<ArrayBuffer>): Promise<string>
  /** The chunk's bytes, or `undefined` when it is not there, cannot be read, or is not what was stored. */
  get(
    fileSha256: string,
    index: number,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly sha256: string } | undefined>
  /** Which chunks of a file are there; nothing is read. */
  indexes(fileSha256: string): Promise<ReadonlySet<number>>
  /** Which files have chunks, and which chunks. */
  files(): Promise<ReadonlyMap<string, ReadonlySet<number>>>
  /** Bytes of the chunks that are there. */
  bytesOf(fileSha256: string): Promise<number>
  removeChunk(fileSha256: string, index: number): Promise<void>
  remove(fileSha256: string): Promise<void>
}

interface StoredChunk {
  readonly blob: Blob
  readonly sha256: string
}

const isStoredChunk = (value: unknown): value is StoredChunk =>
  typeof value === 'object' &&
  value !== null &&
  'blob' in value &&
  value.blob instanceof Blob &&
  'sha256' in value &&
  typeof value.sha256 === 'string'

const keyOf = (fileSha256: string, index: number) => `${fileSha256}/${index}`

export function createChunkStore(store: KeyValueStore): ChunkStore {
  const read = async (key: string): Promise<StoredChunk | undefined> => {
    const value = await store.get(key)
    return isStoredChunk(value) ? value : undefined
  }
  const files = async (prefix: string) => {
    const found = new Map<string, Set<number>>()
    for (const key of await store.keys(prefix)) {
      const [sha256, digits] = key.split('/')
      const index = Number(digits)
      if (!sha256 || !digits || !Number.isSafeInteger(index)) continue
      const indexes = found.get(sha256) ?? new Set()
      found.set(sha256, indexes.add(index))
    }
    return found
  }

  return {
    persistent: store.persistent,
    async put(fileSha256, index, bytes) {
      const sha256 = await sha256Hex(bytes)
      await store.set(keyOf(fileSha256, index), { blob: new Blob([bytes]), sha256 } satisfies StoredChunk)
      return sha256
    },
    async get(fileSha256, index) {
      try {
        const chunk = await read(keyOf(fileSha256, index))
        if (chunk === undefined) return undefined
        const bytes = new Uint8Array(await chunk.blob.arrayBuffer())
        return (await sha256Hex(bytes)) === chunk.sha256 ? { bytes, sha256: chunk.sha256 } : undefined
      } catch (error) {
        // Each browser has names of its own for a value whose file on disk was cut or deleted. To the caller, a chunk
        // that cannot be read is one that is not there.
        if (error instanceof DOMException) return undefined
        throw error
      }
    },
    async indexes(fileSha256) {
      return (await files(`${fileSha256}/`)).get(fileSha256) ?? new Set()
    },
    files: () => files(''),
    async bytesOf(fileSha256) {
      const sizes = (await store.keys(`${fileSha256}/`)).map(async (key) => (await read(key))?.blob.size ?? 0)
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    },
    removeChunk: (fileSha256, index) => store.del([keyOf(fileSha256, index)]),
    async remove(fileSha256) {
      await store.del(await store.keys(`${fileSha256}/`))
    },
  }
}

/** Opens the chunks, committed with relaxed durability: what a power cut takes is fetched again. Never rejects. */
export const openChunkStore = async (options: Partial<DatabaseOptions> = {}): Promise<ChunkStore> =>
  createChunkStore(await openKeyValueStore({ name: 'hither-chunks', durability: 'relaxed', ...options }))
