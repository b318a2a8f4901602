import type { ModelFile } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { backoffMs } from '../../utils/backoff.ts'
import { sleep as systemSleep } from '../../utils/sleep.ts'
import { withDeadline } from '../../utils/with-deadline.ts'
import { isStorageFull, toStorageError } from '../chunks/storage-error.ts'
import { chunkCount } from '../chunks/stored-file.ts'
import { createWholeHash } from '../chunks/whole-hash.ts'
import { openArrivedChunks } from './arrived-chunks.ts'
import { toFetchEnvironment } from './fetch-environment.ts'
import { createMirrors } from './mirrors.ts'
import { missingRuns } from './segments.ts'
import { isPassingFault } from './transfer-error.ts'
import { createTransferLanes } from './transfer-lanes.ts'
import type { TransferOptions } from './transfer-options.ts'

/** Retries in a row that bring no new chunk. */
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
  const mirrors = createMirrors(urls)
  const whole = await createWholeHash()
  let reported = -1
  let furthest = 0

  const report = () => {
    const loadedBytes = arrived.bytes + lanes.heldBytes()
    if (loadedBytes <= reported) return
    reported = loadedBytes
    onProgress?.({ loadedBytes: Math.min(loadedBytes, file.bytes), totalBytes: file.bytes })
  }
  const arrived = await openArrivedChunks(file, { chunks, chunkBytes, whole, onHashed: report })
  const lanes = createTransferLanes(file, {
    ...options,
    environment: toFetchEnvironment(options),
    mirrors,
    whole,
    etag: await etags?.get(file.sha256, mirrors.current),
    onStored: arrived.add,
    onPiece: report,
    async startOver() {
      await arrived.startOver()
      reported = -1
    },
    hasStored: () => arrived.count > 0,
  })
  const catchUp = () => arrived.catchUp(signal)

  let failures = 0
  let wrongChunks = 0
  report()
  for (;;) {
    signal.throwIfAborted()
    await catchUp()
    if (whole.position === file.bytes) break
    // A connection that broke inside a chunk has hashed a part of it. If none continues there, hash from the start.
    if (whole.position % chunkBytes !== 0 && !lanes.isAt(whole.position)) {
      whole.reset()
      continue
    }
    try {
      const runs = missingRuns(count, arrived.has)
      if (runs.length === 0) whole.reset()
      else await lanes.run(runs, signal, catchUp)
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (isStorageFull(error)) {
        await chunks.remove(file.sha256).catch(() => {})
        throw toStorageError(error, file.path)
      }
      // All bytes have arrived: whether they are right is for the hash to judge.
      if (isPassingFault(error) && arrived.count === count) continue
      if (arrived.hashedCount > furthest) failures = 0
      furthest = Math.max(furthest, arrived.hashedCount)
      if (error instanceof ModelError && error.code === 'download-wrong-hash') {
        whole.reset()
        wrongChunks += 1
        // One more try from this address, and one from each other: then it is no accident.
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
      // Another address is asked at once; the same one after a pause.
      if (failures % mirrors.left === mirrors.left - 1) {
        const round = Math.floor(failures / mirrors.left)
        const askedMs = typeof error.context.retryAfterMs === 'number' ? error.context.retryAfterMs : 0
        await sleep(Math.max(askedMs, backoffMs(round, random === undefined ? {} : { random })), signal)
      }
      failures += 1
    }
  }
  return { sha256: whole.digest(), chunks: Array.from({ length: count }, (_, index) => arrived.hashOf(index) ?? '') }
}
