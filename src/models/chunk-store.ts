import { type ChunkCipher, cipherOverheadBytes } from './chunk-cipher.ts'
import type { KeyValueStore } from './key-value-store.ts'
import type { DatabaseOptions } from './open-database.ts'
import { openKeyValueStore } from './open-key-value-store.ts'
import { sha256Hex } from './sha256.ts'

/** Bytes of a chunk. Larger single values abort or crash in some browsers; smaller ones read slower. */
export const defaultChunkBytes = 8 * 1024 * 1024

/** A chunk's bytes and its own sha256. */
export interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly sha256: string
}

/**
 * A file's bytes in chunks, under the sha256 of the whole file: two models that share a file hold it once. Each chunk
 * lies beside its own sha256, so that one that rotted is found without the rest of the file.
 */
export interface ChunkStore {
  readonly persistent: boolean
  /** Returns the chunk's sha256. A `QuotaExceededError` passes through as it is. */
  put(fileSha256: string, index: number, content: Uint8Array<ArrayBuffer>): Promise<string>
  /** Stores a chunk that never has to be in memory as a whole. @param sha256 of its bytes, by the caller */
  putBlob(fileSha256: string, index: number, content: Blob, sha256: string): Promise<void>
  /** The chunk's bytes, or `undefined` when it is not there, cannot be read, or is not what was stored. */
  get(fileSha256: string, index: number): Promise<Chunk | undefined>
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
  /** Of the bytes as they are used, not as they are encrypted. */
  readonly sha256: string
  /** There when the blob is encrypted. */
  readonly iv?: Uint8Array<ArrayBuffer>
}

const isStoredChunk = (value: unknown): value is StoredChunk =>
  typeof value === 'object' &&
  value !== null &&
  'blob' in value &&
  value.blob instanceof Blob &&
  'sha256' in value &&
  typeof value.sha256 === 'string' &&
  (!('iv' in value) || value.iv instanceof Uint8Array)

const keyOf = (fileSha256: string, index: number) => `${fileSha256}/${index}`

/** @param cipher encrypts what is stored from now on; chunks that were stored without it stay readable */
export function createChunkStore(store: KeyValueStore, cipher?: ChunkCipher): ChunkStore {
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
  const write = async (key: string, content: Blob | Uint8Array<ArrayBuffer>, sha256: string): Promise<void> => {
    if (cipher === undefined) {
      const blob = content instanceof Blob ? content : new Blob([content])
      await store.set(key, { blob, sha256 } satisfies StoredChunk)
      return
    }
    const bytes = content instanceof Blob ? new Uint8Array(await content.arrayBuffer()) : content
    const encrypted = await cipher.encrypt(key, bytes)
    await store.set(key, { blob: new Blob([encrypted.bytes]), sha256, iv: encrypted.iv } satisfies StoredChunk)
  }
  const open = async (key: string, { blob, iv }: StoredChunk): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    const bytes = await blob.arrayBuffer()
    return iv === undefined ? new Uint8Array(bytes) : cipher?.decrypt(key, iv, bytes)
  }

  return {
    persistent: store.persistent,
    async put(fileSha256, index, content) {
      const sha256 = await sha256Hex(content)
      await write(keyOf(fileSha256, index), content, sha256)
      return sha256
    },
    putBlob: (fileSha256, index, content, sha256) => write(keyOf(fileSha256, index), content, sha256),
    async get(fileSha256, index) {
      const key = keyOf(fileSha256, index)
      try {
        const chunk = await read(key)
        const bytes = chunk && (await open(key, chunk))
        if (chunk === undefined || bytes === undefined) return undefined
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
      const sizes = (await store.keys(`${fileSha256}/`)).map(async (key) => {
        const chunk = await read(key)
        if (chunk === undefined) return 0
        return Math.max(0, chunk.blob.size - (chunk.iv === undefined ? 0 : cipherOverheadBytes))
      })
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    },
    removeChunk: (fileSha256, index) => store.del([keyOf(fileSha256, index)]),
    async remove(fileSha256) {
      await store.del(await store.keys(`${fileSha256}/`))
    },
  }
}

/** Opens the chunks, committed with relaxed durability: what a power cut takes is fetched again. Never rejects. */
export const openChunkStore = async (
  options: Partial<DatabaseOptions> & { readonly cipher?: ChunkCipher | undefined } = {},
): Promise<ChunkStore> => {
  const { cipher, ...database } = options
  return createChunkStore(
    await openKeyValueStore({ name: 'hither-chunks', durability: 'relaxed', ...database }),
    cipher,
  )
}
