import type { ModelFile } from '../../contracts/manifest.ts'

/** A file whose every byte was checked against its manifest, and how its chunks lie in the store. */
export interface StoredFile extends Omit<ModelFile, 'chunks'> {
  /** Bytes of every chunk but the last. */
  readonly chunkBytes: number
  /** Each chunk's own sha256, in order. */
  readonly chunks: readonly string[]
}

/** How many chunks of `chunkBytes` a file has. */
export const chunkCount = (bytes: number, chunkBytes: number): number => Math.ceil(bytes / chunkBytes)

/** Bytes of chunk `index`: the last one may be shorter. */
export const chunkSize = (bytes: number, chunkBytes: number, index: number): number =>
  Math.min(chunkBytes, bytes - index * chunkBytes)
