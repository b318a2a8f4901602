import { ModelError } from '../../errors/model-error.ts'
import type { ChunkStore } from '../chunks/chunk-store.ts'
import { sha256Hex } from '../chunks/sha256.ts'
import { chunkSize, type StoredFile } from '../chunks/stored-file.ts'
import { fetchChunk } from './fetch-chunk.ts'
import type { FetchEnvironment } from './fetch-environment.ts'

export interface HealOptions {
  readonly chunks: ChunkStore
  readonly environment: FetchEnvironment
  readonly signal?: AbortSignal | undefined
}

/** A stored file, and what it takes to fetch a chunk of it again. */
export interface HealableFile {
  readonly file: StoredFile
  readonly urls: readonly string[]
  /** The model's name, for errors' sentences. */
  readonly model: string
}

/**
 * Fetches one chunk again, once from each address, in place of one that rotted, was cut or is gone.
 *
 * @throws {ModelError} `stored-model-damaged`
 * @throws the signal's reason
 */
export async function healChunk(
  { file, urls, model }: HealableFile,
  index: number,
  { chunks, environment, signal }: HealOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  await chunks.removeChunk(file.sha256, index).catch(() => {})
  const start = index * file.chunkBytes
  const end = start + chunkSize(file.bytes, file.chunkBytes, index)
  let cause: unknown
  for (const url of urls) {
    const request = { url, name: file.path, start, end, totalBytes: file.bytes, etag: undefined }
    try {
      const bytes = await fetchChunk(request, environment, signal)
      if ((await sha256Hex(bytes)) !== file.chunks[index]) continue
      // Best effort: the bytes are right, and a chunk that could not be kept is fetched again next time.
      await chunks.put(file.sha256, index, bytes).catch(() => {})
      return bytes
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      cause = error
    }
  }
  throw new ModelError(
    'stored-model-damaged',
    `The stored copy of ${model} is damaged and could not be repaired. Connect to the network, or download it again.`,
    { cause, context: { file: file.path, chunk: index } },
  )
}
