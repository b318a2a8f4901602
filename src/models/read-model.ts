import { ModelError } from '../errors/model-error.ts'
import { forEachLimited } from '../utils/for-each-limited.ts'
import type { ChunkStore } from './chunk-store.ts'
import { fetchChunk } from './fetch-chunk.ts'
import type { FetchEnvironment } from './fetch-environment.ts'
import type { ModelRecord } from './model-records.ts'
import { sha256Hex } from './sha256.ts'
import { chunkSize, type StoredFile } from './stored-file.ts'

/** Chunks read and hashed at a time: enough to keep the hashing threads busy, few enough to hold in memory. */
const chunksAtOnce = 4

export interface ReadOptions {
  readonly chunks: ChunkStore
  readonly environment: FetchEnvironment
  readonly signal?: AbortSignal | undefined
}

/**
 * Reads a stored model into memory, each file into one buffer, and checks every chunk against the record on the way.
 * A chunk that rotted, was cut or is gone is fetched again, alone and once.
 *
 * @returns the files' bytes by path
 * @throws {ModelError} `stored-model-damaged`: a chunk is damaged and could not be fetched again;
 *   `model-load-failed`: the device has not enough memory
 * @throws the signal's reason
 */
export async function readModel(
  record: ModelRecord,
  options: ReadOptions,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const file of record.files) {
    const url = new URL(file.path, record.baseUrl).href
    files.set(file.path, await readFile(file, url, record.name, options))
  }
  return files
}

function allocate(file: StoredFile): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(file.bytes)
  } catch (error) {
    throw new ModelError('model-load-failed', `This device has not enough memory for ${file.path}.`, {
      cause: error,
      context: { bytes: file.bytes },
    })
  }
}

async function readFile(file: StoredFile, url: string, model: string, options: ReadOptions) {
  const { chunks, environment, signal } = options
  const target = allocate(file)

  const heal = async (sha256: string, index: number): Promise<Uint8Array<ArrayBuffer>> => {
    await chunks.removeChunk(file.sha256, index).catch(() => {})
    const start = index * file.chunkBytes
    const end = start + chunkSize(file.bytes, file.chunkBytes, index)
    const request = { url, name: file.path, start, end, totalBytes: file.bytes, etag: undefined }
    let cause: unknown
    try {
      const bytes = await fetchChunk(request, environment, signal)
      if ((await sha256Hex(bytes)) === sha256) {
        // Best effort: the bytes are right, and a chunk that could not be kept is fetched again next time.
        await chunks.put(file.sha256, index, bytes).catch(() => {})
        return bytes
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      cause = error
    }
    throw new ModelError(
      'stored-model-damaged',
      `The stored copy of ${model} is damaged and could not be repaired. Connect to the network, or download it again.`,
      { cause, context: { file: file.path, chunk: index } },
    )
  }

  await forEachLimited(file.chunks, chunksAtOnce, async (sha256, index) => {
    signal?.throwIfAborted()
    const stored = await chunks.get(file.sha256, index)
    target.set(stored?.sha256 === sha256 ? stored.bytes : await heal(sha256, index), index * file.chunkBytes)
  })
  return target
}
