import { createSHA256, createXXHash64, xxhash64 } from 'hash-wasm'
import { withBlobFallback } from './blob-fallback.ts'
import { type ChunkCipher, cipherOverheadBytes } from './chunk-cipher.ts'
import type { KeyValueStore } from './key-value-store.ts'
import type { DatabaseOptions } from './open-indexed-db.ts'
import { openKeyValueStore } from './open-key-value-store.ts'
import { sha256Hex } from './sha256.ts'

/** Bytes of a chunk. Larger single values abort or crash in some browsers; smaller ones read slower. */
export const defaultChunkBytes = 8 * 1024 * 1024

/** What a chunk is known by. */
export interface ChunkHashes {
  /** Says that it is the manifest's. */
  readonly sha256: string
  /** Its xxHash64: says, fast, that it is still as it was stored. */
  readonly check: string
}

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
  /** Stores a chunk that never has to be in memory as a whole. @param hashes of its bytes, by the caller */
  putBlob(fileSha256: string, index: number, content: Blob, hashes: ChunkHashes): Promise<void>
  /** The chunk's bytes, or `undefined` when it is not there, cannot be read, or is not what was stored. */
  get(fileSha256: string, index: number): Promise<Chunk | undefined>
  /**
   * The chunk's bytes piece by piece, so that it never has to be in memory as a whole. Whether they are what was stored
   * is known after the last one: the generator then returns the chunk's sha256, or `undefined`.
   */
  pieces(fileSha256: string, index: number): AsyncGenerator<Uint8Array, string | undefined>
  /**
   * A whole file in one buffer, in the fastest way there is: one read, each chunk held against its xxHash64, which
   * finds what a disk does to bytes at a fraction of sha256's cost. `undefined` where it can't be read that way.
   *
   * @param sha256 what each chunk should be
   */
  readAll(
    fileSha256: string,
    sha256: readonly string[],
    bytes: number,
  ): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly damaged: readonly number[] } | undefined>
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
  readonly check?: string
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

/** One that `readAll` can take. */
const isPlainChunk = (value: unknown): value is StoredChunk & { readonly check: string } =>
  isStoredChunk(value) && value.iv === undefined && typeof value.check === 'string'

/** Bytes read at a time where a chunk need not be in memory as a whole. */
const pieceBytes = 1024 * 1024

const keyOf = (fileSha256: string, index: number) => `${fileSha256}/${index}`

/** @param cipher encrypts what is stored from now on; chunks that were stored without it stay readable */
export function createChunkStore(store: KeyValueStore, cipher?: ChunkCipher): ChunkStore {
  /** Free to use: each one has a WebAssembly memory of its own, and a file has many chunks. */
  const hashers: Awaited<ReturnType<typeof createSHA256>>[] = []

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
  const write = async (key: string, content: Blob | Uint8Array<ArrayBuffer>, hashes: ChunkHashes): Promise<void> => {
    if (cipher === undefined) {
      const blob = content instanceof Blob ? content : new Blob([content])
      await store.set(key, { blob, ...hashes } satisfies StoredChunk)
      return
    }
    const bytes = content instanceof Blob ? new Uint8Array(await content.arrayBuffer()) : content
    const encrypted = await cipher.encrypt(key, bytes)
    await store.set(key, { blob: new Blob([encrypted.bytes]), ...hashes, iv: encrypted.iv } satisfies StoredChunk)
  }
  const open = async (key: string, { blob, iv }: StoredChunk): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    const bytes = await blob.arrayBuffer()
    return iv === undefined ? new Uint8Array(bytes) : cipher?.decrypt(key, iv, bytes)
  }

  return {
    persistent: store.persistent,
    async put(fileSha256, index, content) {
      const sha256 = await sha256Hex(content)
      await write(keyOf(fileSha256, index), content, { sha256, check: await xxhash64(content) })
      return sha256
    },
    putBlob: (fileSha256, index, content, hashes) => write(keyOf(fileSha256, index), content, hashes),
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
    async *pieces(fileSha256, index) {
      const key = keyOf(fileSha256, index)
      try {
        const chunk = await read(key)
        if (chunk === undefined) return undefined
        const hasher = hashers.pop() ?? (await createSHA256())
        hasher.init()
        for (let at = 0; at < chunk.blob.size; ) {
          const end = chunk.iv === undefined ? at + pieceBytes : chunk.blob.size
          // What is encrypted is vouched for as a whole.
          const bytes = await open(key, { ...chunk, blob: chunk.blob.slice(at, end) })
          if (bytes === undefined) return undefined
          hasher.update(bytes)
          yield bytes
          at = end
        }
        const isIntact = hasher.digest() === chunk.sha256
        hashers.push(hasher)
        return isIntact ? chunk.sha256 : undefined
      } catch (error) {
        if (error instanceof DOMException) return undefined
        throw error
      }
    },
    async readAll(fileSha256, sha256, bytes) {
      const stored = await store.getMany(sha256.map((_, index) => keyOf(fileSha256, index)))
      const chunks = stored.filter(isPlainChunk)
      if (chunks.length !== sha256.length) return undefined
      const whole = new Blob(chunks.map(({ blob }) => blob))
      if (whole.size !== bytes) return undefined
      // One that cannot be read fails the whole: the chunks are then read one by one.
      const target = await whole.arrayBuffer().then(
        (buffer) => new Uint8Array(buffer),
        () => undefined,
      )
      if (target === undefined) return undefined
      const hasher = await createXXHash64()
      const damaged: number[] = []
      let at = 0
      for (const [index, chunk] of chunks.entries()) {
        hasher.init().update(target.subarray(at, at + chunk.blob.size))
        at += chunk.blob.size
        if (chunk.sha256 !== sha256[index] || hasher.digest() !== chunk.check) damaged.push(index)
      }
      return { bytes: target, damaged }
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
    withBlobFallback(await openKeyValueStore({ name: 'hither-chunks', durability: 'relaxed', ...database })),
    cipher,
  )
}
