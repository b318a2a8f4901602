import type { ModelFile } from '../../contracts/manifest.ts'
import type { ChunkStore } from '../chunks/chunk-store.ts'
import { chunkCount, chunkSize } from '../chunks/stored-file.ts'
import type { WholeHash } from '../chunks/whole-hash.ts'
import { isExpectedChunk } from './transfer-error.ts'

/** Which chunks of a file are in the store, and how far the whole file's hash has come. */
export interface ArrivedChunks {
  has(index: number): boolean
  readonly count: number
  readonly bytes: number
  /** A chunk was downloaded and stored. */
  add(index: number, sha256: string): void
  /** Chunks whose sha256 is known: downloaded in this try, or found in the store and read. */
  readonly hashedCount: number
  /** Undefined for a chunk that was not read yet. */
  hashOf(index: number): string | undefined
  /** Removes everything that is stored of the file. */
  startOver(): Promise<void>
  /**
   * Reads the stored chunks that follow the bytes that are in the whole file's hash, and adds them to it. A chunk that
   * is not what it should be is removed.
   *
   * @throws the signal's reason
   */
  catchUp(signal: AbortSignal): Promise<void>
}

/** @param options.onHashed called after each chunk that `catchUp` has read */
export async function openArrivedChunks(
  file: ModelFile,
  options: {
    readonly chunks: ChunkStore
    readonly chunkBytes: number
    readonly whole: WholeHash
    readonly onHashed: () => void
  },
): Promise<ArrivedChunks> {
  const { chunks, chunkBytes, whole, onHashed } = options
  const total = chunkCount(file.bytes, chunkBytes)
  const sizeOf = (index: number) => chunkSize(file.bytes, chunkBytes, index)
  const hashes = new Map<number, string>()
  /** Found in the store and not read yet. Never in `hashes` at the same time. */
  const found = new Set<number>()
  for (const index of await chunks.indexes(file.sha256)) {
    // Left behind by a version that cut files into smaller chunks.
    if (index >= total) await chunks.removeChunk(file.sha256, index)
    else found.add(index)
  }
  /** Counts `startOver`: what was read before it is of no use. */
  let beginnings = 0

  /** Adds a stored chunk to the whole file's hash. Its sha256, or `undefined` when it is not what it should be. */
  const hashStored = async (index: number): Promise<string | undefined> => {
    const beginning = beginnings
    const start = index * chunkBytes
    const pieces = chunks.pieces(file.sha256, index)
    let at = start
    for (;;) {
      const piece = await pieces.next()
      if (beginning !== beginnings) return undefined
      if (piece.done) {
        const isWhole = at - start === sizeOf(index)
        if (piece.value !== undefined && isWhole && isExpectedChunk(file, index, piece.value)) return piece.value
        // Its bytes are in the hash already.
        if (at > start) whole.reset()
        return undefined
      }
      if (at + piece.value.byteLength > start + sizeOf(index)) {
        whole.reset()
        return undefined
      }
      whole.offer(at, piece.value)
      at += piece.value.byteLength
    }
  }

  return {
    has: (index) => found.has(index) || hashes.has(index),
    get count() {
      return found.size + hashes.size
    },
    get bytes() {
      let sum = 0
      for (const index of found) sum += sizeOf(index)
      for (const index of hashes.keys()) sum += sizeOf(index)
      return sum
    },
    add(index, sha256) {
      found.delete(index)
      hashes.set(index, sha256)
    },
    get hashedCount() {
      return hashes.size
    },
    hashOf: (index) => hashes.get(index),
    async startOver() {
      await chunks.remove(file.sha256)
      found.clear()
      hashes.clear()
      whole.reset()
      beginnings += 1
    },
    async catchUp(signal) {
      while (whole.position < file.bytes && whole.position % chunkBytes === 0) {
        const index = whole.position / chunkBytes
        if (!found.has(index) && !hashes.has(index)) return
        signal.throwIfAborted()
        const beginning = beginnings
        const sha256 = await hashStored(index)
        // The file started over meanwhile: this chunk is of the version before.
        if (beginning !== beginnings) return
        found.delete(index)
        if (sha256 !== undefined) hashes.set(index, sha256)
        else {
          hashes.delete(index)
          await chunks.removeChunk(file.sha256, index).catch(() => {})
        }
        onHashed()
      }
    },
  }
}
