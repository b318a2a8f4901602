import type { ModelFile } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { backoffMs } from '../../utils/backoff.ts'
import { sleep as systemSleep } from '../../utils/sleep.ts'
import { withDeadline } from '../../utils/with-deadline.ts'
import { isStorageFull, toStorageError } from '../chunks/storage-error.ts'
import { chunkCount, chunkSize } from '../chunks/stored-file.ts'
import { createWholeHash } from '../chunks/whole-hash.ts'
import { toFetchEnvironment } from './fetch-environment.ts'
import { createMirrors } from './mirrors.ts'
import { missingRuns } from './segments.ts'
import { isExpectedChunk, isPassingFault } from './transfer-error.ts'
import { createTransferLanes } from './transfer-lanes.ts'
import type { TransferOptions } from './transfer-options.ts'

/** Tries after the first one, in a row without a new chunk between them. */
const maxRetries = 4

export interface Transfer {
  /** Of all the bytes, as they lie in the store. */
  readonly sha256: string
  readonly chunks: readonly string[]
}

/**
 * Fills the store with all chunks of the file, whatever their bytes are: `downloadFile` judges them. Continues from
 * the chunks that are stored and fetches only the runs between them, several at a time where the server has ranges.
 * Where one address fails, the next one is asked.
 */
export function transferFile(file: ModelFile, urls: readonly string[], options: TransferOptions): Promise<Transfer> {
  const { totalMs, signal, timers } = options
  return withDeadline((limited) => transfer(file, urls, options, limited), {
    ms: totalMs,
    signal,
    ...(timers === undefined ? {} : { timers }),
    onDeadline: () =>
      new ModelError(
        'download-failed',
        `${file.path} did not arrive within ${Math.round((totalMs ?? 0) / 60_000)} minutes. What has arrived is kept: try again.`,
      ),
  })
}

async function transfer(
  file: ModelFile,
  urls: readonly string[],
  options: TransferOptions,
  signal: AbortSignal,
): Promise<Transfer> {
  const { chunks, etags, chunkBytes, sleep = systemSleep, random, onProgress } = options
  const count = chunkCount(file.bytes, chunkBytes)
  const sizeOf = (index: number) => chunkSize(file.bytes, chunkBytes, index)
  const mirrors = createMirrors(urls)
  const whole = await createWholeHash()
  /** Chunks that arrived in this try, and those found in the store that were read and are whole. */
  const hashes = new Map<number, string>()
  /** Found in the store, not read yet. */
  const found = new Set<number>()
  for (const index of await chunks.indexes(file.sha256)) {
    // Left behind by a version that cut files into smaller chunks.
    if (index >= count) await chunks.removeChunk(file.sha256, index)
    else found.add(index)
  }
  let beginnings = 0
  let reported = -1
  let furthest = 0

  const report = () => {
    let loadedBytes = lanes.heldBytes()
    for (const index of found) if (!hashes.has(index)) loadedBytes += sizeOf(index)
    for (const index of hashes.keys()) loadedBytes += sizeOf(index)
    if (loadedBytes <= reported) return
    reported = loadedBytes
    onProgress?.({ loadedBytes: Math.min(loadedBytes, file.bytes), totalBytes: file.bytes })
  }
  const lanes = createTransferLanes(file, {
    ...options,
    environment: toFetchEnvironment(options),
    mirrors,
    whole,
    etag: await etags?.get(file.sha256, mirrors.current),
    onStored: (index, sha256) => hashes.set(index, sha256),
    onPiece: report,
    async startOver() {
      await chunks.remove(file.sha256)
      found.clear()
      hashes.clear()
      whole.reset()
      beginnings += 1
      reported = -1
    },
    hasStored: () => found.size + hashes.size > 0,
  })

  /** Takes a stored chunk into the whole file's hash. Returns its sha256, or `undefined` when it is not what it should be. */
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

  /** Hashes the chunks that lie in the store behind what is hashed already. */
  const catchUp = async () => {
    while (whole.position < file.bytes && whole.position % chunkBytes === 0) {
      const index = whole.position / chunkBytes
      if (!found.has(index) && !hashes.has(index)) return
      signal.throwIfAborted()
      const beginning = beginnings
      const sha256 = await hashStored(index)
      // The file started over meanwhile, and this is a chunk of what was there before.
      if (beginning !== beginnings) return
      if (sha256 !== undefined) hashes.set(index, sha256)
      else {
        hashes.delete(index)
        await chunks.removeChunk(file.sha256, index).catch(() => {})
      }
      found.delete(index)
      report()
    }
  }

  let failures = 0
  let wrongChunks = 0
  report()
  for (;;) {
    signal.throwIfAborted()
    await catchUp()
    if (whole.position === file.bytes) break
    // A connection that took the bytes before, and stopped inside a chunk, has hashed a part of it.
    if (whole.position % chunkBytes !== 0 && !lanes.isAt(whole.position)) {
      whole.reset()
      continue
    }
    try {
      const runs = missingRuns(count, (index) => found.has(index) || hashes.has(index))
      if (runs.length === 0) whole.reset()
      else await lanes.run(runs, signal, catchUp)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (isStorageFull(error)) {
        await chunks.remove(file.sha256).catch(() => {})
        throw toStorageError(error, file.path)
      }
      // All bytes are here: what went wrong after the last one is for the hash to judge.
      if (isPassingFault(error) && hashes.size + found.size === count) continue
      if (hashes.size > furthest) failures = 0
      furthest = Math.max(furthest, hashes.size)
      if (error instanceof ModelError && error.code === 'download-wrong-hash') {
        whole.reset()
        wrongChunks += 1
        // Once more from here, and once from each other address; then it is no accident.
        if (wrongChunks > Math.max(1, mirrors.left)) throw error
        mirrors.rotate()
        continue
      }
      if (!isPassingFault(error)) {
        if (!(error instanceof ModelError) || !mirrors.giveUp()) throw toStorageError(error, file.path)
        continue
      }
      if (failures >= maxRetries * mirrors.left + (mirrors.left - 1)) throw error
      mirrors.rotate()
      // Another address may answer at once; the same one is given time.
      if (failures % mirrors.left === mirrors.left - 1) {
        const round = Math.floor(failures / mirrors.left)
        const askedMs = typeof error.context.retryAfterMs === 'number' ? error.context.retryAfterMs : 0
        await sleep(Math.max(askedMs, backoffMs(round, random === undefined ? {} : { random })), signal)
      }
      failures += 1
    }
  }
  return { sha256: whole.digest(), chunks: Array.from({ length: count }, (_, index) => hashes.get(index) ?? '') }
}
