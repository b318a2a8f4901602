import type { ModelFile } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { type ChunkStore, defaultChunkBytes } from '../chunks/chunk-store.ts'
import { sha256OfBlob } from '../chunks/sha256.ts'
import { chunkCount, type StoredFile } from '../chunks/stored-file.ts'

/**
 * Puts a file that is at hand into the store, chunk by chunk. Chunks that are there already stay as they are.
 *
 * @param expected what the file must be; anything else is refused before it is written
 * @param options.chunkBytes bytes of a chunk: as another model's record counts on them, where one has the same file
 * @throws {ModelError} `import-invalid`
 * @throws the signal's reason; a `QuotaExceededError` passes through as it is
 */
export async function writeBlob(
  blob: Blob,
  expected: ModelFile,
  options: { readonly chunks: ChunkStore; readonly chunkBytes?: number | undefined; readonly signal?: AbortSignal },
): Promise<StoredFile> {
  const { chunks, chunkBytes = defaultChunkBytes, signal } = options
  if (blob.size !== expected.bytes || (await sha256OfBlob(blob, signal)) !== expected.sha256) {
    throw new ModelError('import-invalid', `${expected.path} is not the file that its manifest promises.`)
  }
  const hashes: string[] = []
  for (let index = 0; index < chunkCount(blob.size, chunkBytes); index += 1) {
    signal?.throwIfAborted()
    const part = blob.slice(index * chunkBytes, (index + 1) * chunkBytes)
    hashes.push(await chunks.put(expected.sha256, index, new Uint8Array(await part.arrayBuffer())))
  }
  return { ...expected, chunkBytes, chunks: hashes }
}
