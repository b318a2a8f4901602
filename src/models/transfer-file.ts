import { createSHA256 } from 'hash-wasm'
import type { ModelFile } from '../contracts/manifest.ts'
import type { Progress } from '../contracts/model-state.ts'
import { ModelError } from '../errors/model-error.ts'
import { backoffMs } from '../utils/backoff.ts'
import { sleep as systemSleep } from '../utils/sleep.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { Etags } from './etags.ts'
import { type FetchOptions, toFetchEnvironment } from './fetch-environment.ts'
import { requestBytes } from './request-bytes.ts'
import { isStorageFull, toStorageError } from './storage-error.ts'
import { chunkCount, chunkSize } from './stored-file.ts'
import { isPassingFault, passingFault } from './transfer-error.ts'

/** Tries after the first one, in a row without a new chunk between them. */
const maxRetries = 4

export interface TransferOptions extends FetchOptions {
  readonly chunks: ChunkStore
  readonly etags?: Etags | undefined
  readonly chunkBytes: number
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined
  readonly random?: (() => number) | undefined
  readonly signal?: AbortSignal | undefined
  /** Never goes back while one try lasts; starts again where a file has to start over. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface Transfer {
  /** Of all the bytes, as they lie in the store. */
  readonly sha256: string
  readonly chunks: readonly string[]
}

/**
 * Fills the store with all chunks of the file, in order, whatever their bytes are: `downloadFile` judges them.
 * Continues from the chunks that are stored, and fetches only the runs between them.
 */
export async function transferFile(file: ModelFile, url: string, options: TransferOptions): Promise<Transfer> {
  const { chunks, etags, chunkBytes, sleep = systemSleep, random, signal, onProgress } = options
  const environment = toFetchEnvironment(options)
  const count = chunkCount(file.bytes, chunkBytes)
  const sizeOf = (index: number) => chunkSize(file.bytes, chunkBytes, index)
  const hasher = (await createSHA256()).init()
  const buffer = new Uint8Array(sizeOf(0))
  const hashes: string[] = []
  let stored = new Set<number>()
  for (const index of await chunks.indexes(file.sha256)) {
    // Left behind by a version that cut files into smaller chunks.
    if (index >= count) await chunks.removeChunk(file.sha256, index)
    else stored.add(index)
  }
  let etag = await etags?.get(file.sha256, url)
  /** Bytes of the chunk under way; the chunks before it are stored and hashed. */
  let filled = 0
  let reported = -1
  let rangesWork = true

  const position = () => hashes.length * chunkBytes + filled
  const report = () => {
    let loadedBytes = position()
    for (const index of stored) loadedBytes += sizeOf(index)
    if (loadedBytes <= reported) return
    reported = loadedBytes
    onProgress?.({ loadedBytes: Math.min(loadedBytes, file.bytes), totalBytes: file.bytes })
  }
  const startOver = async () => {
    await chunks.remove(file.sha256)
    stored = new Set()
    hasher.init()
    hashes.length = 0
    filled = 0
    etag = undefined
    reported = -1
  }
  const store = async (bytes: Uint8Array<ArrayBuffer>) => {
    try {
      hashes.push(await chunks.put(file.sha256, hashes.length, bytes))
    } catch (error) {
      if (isStorageFull(error)) await chunks.remove(file.sha256).catch(() => {})
      throw toStorageError(error, file.path)
    }
    hasher.update(bytes)
    filled = 0
  }

  /** Takes the next stored chunk into the hash. False: it is not there, or not whole. */
  const takeStored = async (): Promise<boolean> => {
    const index = hashes.length
    if (filled > 0 || !stored.delete(index)) return false
    const chunk = await chunks.get(file.sha256, index)
    if (chunk?.bytes.byteLength !== sizeOf(index)) return false
    hasher.update(chunk.bytes)
    hashes.push(chunk.sha256)
    return true
  }

  /** Fetches from here to the next stored chunk, or to the end. */
  const fetchRun = async () => {
    if (!rangesWork && position() > 0) await startOver()
    let next = hashes.length + 1
    while (next < count && !stored.has(next)) next += 1
    let end = Math.min(next * chunkBytes, file.bytes)
    const start = position()
    const request = { url, name: file.path, start, end, totalBytes: file.bytes, etag }
    const answer = await requestBytes(request, environment, signal)
    if (answer.kind === 'start-over') {
      rangesWork = false
      throw answer.error
    }
    if (answer.whole) {
      if (start > 0 || stored.size > 0) await startOver()
      end = file.bytes
    }
    if (answer.etag !== etag) {
      etag = answer.etag
      await etags?.set(file.sha256, url, etag)
    }
    for await (const piece of answer.pieces) {
      let taken = 0
      while (taken < piece.byteLength && position() < end) {
        const size = sizeOf(hashes.length)
        const part = piece.subarray(taken, taken + size - filled)
        buffer.set(part, filled)
        filled += part.byteLength
        taken += part.byteLength
        if (filled === size) await store(buffer.subarray(0, size))
      }
      report()
      if (taken < piece.byteLength && end === file.bytes) {
        await chunks.remove(file.sha256).catch(() => {})
        throw new ModelError(
          'download-wrong-size',
          `The server's ${file.path} is larger than the ${file.bytes} bytes its manifest promises, so it was refused.`,
        )
      }
      if (position() === end && end < file.bytes) return
    }
    if (position() < end) {
      const hint = answer.isPage ? ' It sent a web page: does this network ask you to sign in first?' : ''
      throw passingFault(
        'download-wrong-size',
        `The server ended ${file.path} after ${position()} of ${file.bytes} bytes.${hint}`,
      )
    }
  }

  let failures = 0
  let furthest = 0
  report()
  while (hashes.length < count) {
    signal?.throwIfAborted()
    if (await takeStored()) {
      report()
      continue
    }
    try {
      await fetchRun()
    } catch (error) {
      // All bytes are here: what went wrong after the last one is for the hash to judge.
      if (isPassingFault(error) && hashes.length === count) break
      if (hashes.length > furthest) failures = 0
      furthest = Math.max(furthest, hashes.length)
      if (!isPassingFault(error) || failures === maxRetries) throw error
      await sleep(backoffMs(failures, random === undefined ? {} : { random }), signal)
      failures += 1
    }
  }
  return { sha256: hasher.digest(), chunks: hashes }
}
