import { createSHA256, createXXHash64 } from 'hash-wasm'
import type { ChunkStore } from '../chunks/chunk-store.ts'
import { chunkSize } from '../chunks/stored-file.ts'
import type { WholeHash } from '../chunks/whole-hash.ts'

/** Bytes gathered in memory before they go to the browser's blob storage: what a connection holds at most. */
const partBytes = 1024 * 1024

export interface ChunkWriterOptions {
  readonly chunks: ChunkStore
  readonly file: { readonly sha256: string; readonly bytes: number }
  readonly chunkBytes: number
  readonly whole: WholeHash
  /** Asked before a chunk is stored. @throws to refuse it */
  readonly check: (index: number, sha256: string) => void
  readonly onStored: (index: number, sha256: string) => void
}

/**
 * Takes a run of a file's bytes and stores it chunk by chunk. A chunk is gathered in small parts that the browser
 * keeps outside this thread's memory, so that several connections together hold less than one chunk.
 */
export interface ChunkWriter {
  /** The file's next byte that this writer takes. */
  readonly position: number
  /** True between two chunks. */
  readonly isAtBoundary: boolean
  /** Bytes of the chunk under way. */
  readonly gatheredBytes: number
  /** The byte up to which the whole file's hash was offered what arrived here. */
  readonly hashedTo: number
  /** Takes all of the bytes. A `QuotaExceededError` passes through as it is. */
  take(bytes: Uint8Array): Promise<void>
  /** Continues at another chunk; drops what was gathered of this one. */
  moveTo(index: number): void
}

export async function createChunkWriter(start: number, options: ChunkWriterOptions): Promise<ChunkWriter> {
  const { chunks, file, chunkBytes, whole, check, onStored } = options
  const hasher = (await createSHA256()).init()
  const checker = (await createXXHash64()).init()
  const part = new Uint8Array(Math.min(partBytes, chunkBytes, file.bytes))
  let index = start
  let parts: Blob[] = []
  /** Bytes of this chunk in `parts`. */
  let flushed = 0
  let held = 0

  const moveTo = (next: number) => {
    index = next
    parts = []
    flushed = 0
    held = 0
    hasher.init()
    checker.init()
  }
  const flush = () => {
    const bytes = part.subarray(0, held)
    hasher.update(bytes)
    checker.update(bytes)
    whole.offer(index * chunkBytes + flushed, bytes)
    parts.push(new Blob([bytes]))
    flushed += held
    held = 0
  }

  return {
    get position() {
      return Math.min(index * chunkBytes + flushed + held, file.bytes)
    },
    get gatheredBytes() {
      return flushed + held
    },
    get hashedTo() {
      return index * chunkBytes + flushed
    },
    get isAtBoundary() {
      return flushed + held === 0
    },
    moveTo,
    async take(bytes) {
      let taken = 0
      while (taken < bytes.byteLength) {
        const size = chunkSize(file.bytes, chunkBytes, index)
        const piece = bytes.subarray(taken, taken + Math.min(part.byteLength, size - flushed) - held)
        part.set(piece, held)
        held += piece.byteLength
        taken += piece.byteLength
        const isWhole = flushed + held === size
        if (held === part.byteLength || isWhole) flush()
        if (!isWhole) continue
        const sha256 = hasher.digest()
        const checkSum = checker.digest()
        const blob = new Blob(parts)
        const done = index
        moveTo(index + 1)
        check(done, sha256)
        await chunks.putBlob(file.sha256, done, blob, { sha256, check: checkSum })
        onStored(done, sha256)
      }
    },
  }
}
