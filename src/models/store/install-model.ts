import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import type { Progress } from '../../contracts/model-state.ts'
import { CapabilityError } from '../../errors/capability-error.ts'
import type { ChunkStore } from '../chunks/chunk-store.ts'
import type { Etags } from '../chunks/etags.ts'
import type { Locks } from '../chunks/locks.ts'
import type { StoredFile } from '../chunks/stored-file.ts'
import { fileUrlsOf } from '../manifest/file-urls.ts'
import { totalBytesOf } from '../manifest/total-bytes.ts'
import { type DownloadOptions, downloadFile } from '../transfer/download-file.ts'
import { createProgressMeter } from '../transfer/progress-meter.ts'
import type { TransferClaim } from '../transfer/transfer-slots.ts'
import { watchOtherTab } from '../transfer/watch-other-tab.ts'
import type { ModelRecords } from './model-records.ts'

/** Times that another tab may remove a file between its download and the record before we give up. */
export const maxRounds = 3

export interface InstallEnvironment {
  readonly chunks: ChunkStore
  readonly records: ModelRecords
  readonly etags: Etags
  readonly locks: Locks
  readonly now: () => number
  /** Milliseconds on a clock that never goes back. */
  readonly clock: () => number
  readonly download: Omit<DownloadOptions, 'chunks' | 'etags' | 'signal' | 'onProgress' | 'claim'>
}

type ModelKey = Pick<Manifest, 'name' | 'revision'>

/** Held while records and the files they name change together. */
const recordsLock = 'hither-records'
const downloadLock = (file: Pick<ModelFile, 'sha256'>) => `hither-download:${file.sha256}`

const isWhole = async (file: StoredFile, chunks: ChunkStore): Promise<boolean> => {
  const indexes = await chunks.indexes(file.sha256)
  return file.chunks.every((_, index) => indexes.has(index))
}

/** True when every chunk that the files name is in the store. Nothing is read. */
export async function areWhole(files: readonly StoredFile[], chunks: ChunkStore): Promise<boolean> {
  for (const file of files) if (!(await isWhole(file, chunks))) return false
  return true
}

export interface InstallRequest {
  readonly manifest: Manifest
  /** Absolute address that the files' paths are relative to; empty where they have none. */
  readonly baseUrl: string
  readonly claim: TransferClaim
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

/** Downloads what is missing of a model and writes its record last. */
export async function installModel(request: InstallRequest, environment: InstallEnvironment): Promise<void> {
  const { manifest, baseUrl, claim, signal, onProgress } = request
  const { chunks, records, etags, locks, clock, download } = environment
  const meter = createProgressMeter({ totalBytes: totalBytesOf(manifest), onProgress, now: clock })

  const installFile = async (file: ModelFile, bytesBefore: number): Promise<StoredFile> => {
    const known = await records.findFile(file)
    if (known !== undefined && (await isWhole(known, chunks))) return { ...known, path: file.path, urls: file.urls }
    let isFirst = true
    return downloadFile(file, fileUrlsOf(file, baseUrl), {
      ...download,
      // Another model's record counts on the chunks as it knows them.
      chunkBytes: known?.chunkBytes ?? download.chunkBytes,
      chunks,
      etags,
      claim,
      signal,
      onProgress: ({ loadedBytes }) => {
        // The first report is of what was stored before.
        meter.report(bytesBefore + loadedBytes, !isFirst)
        isFirst = false
      },
    })
  }
  const installShared = async (file: ModelFile, bytesBefore: number): Promise<StoredFile> => {
    const watch = watchOtherTab(file, chunks, (bytes) => meter.report(bytesBefore + bytes))
    try {
      return await locks.hold(
        downloadLock(file),
        () => {
          watch.stop()
          return installFile(file, bytesBefore)
        },
        signal,
      )
    } finally {
      watch.stop()
    }
  }

  for (let round = 0; round < maxRounds; round += 1) {
    const files: StoredFile[] = []
    let bytesBefore = 0
    for (const file of manifest.files) {
      const before = bytesBefore
      files.push(await installShared(file, before))
      bytesBefore += file.bytes
      meter.report(bytesBefore)
    }
    signal.throwIfAborted()
    if (await writeRecord(manifest, baseUrl, files, environment, signal)) {
      for (const file of files) await etags.del(file.sha256).catch(() => {})
      return
    }
  }
  throw losesFiles(manifest)
}

/** Storage that never has whole what was just written to it. */
export const losesFiles = ({ name }: ModelKey): CapabilityError =>
  new CapabilityError(
    'storage-unavailable',
    `This browser's storage loses the files of ${name} as soon as they are written.`,
  )

/** Writes a model's record, and frees the files of another one under the same name and revision. Wants the records' lock. */
async function putRecord(
  manifest: Manifest,
  baseUrl: string,
  files: readonly StoredFile[],
  environment: InstallEnvironment,
): Promise<void> {
  const { records, now } = environment
  const { name, revision } = manifest
  const before = await records.find(manifest)
  const stored = files.map((file) => ({ ...file, chunks: [...file.chunks] }))
  await records.put({ format: 1, name, revision, baseUrl, storedAtMs: now(), manifest, files: stored })
  if (before !== undefined) await releaseFiles(before.files, environment)
}

/**
 * Makes stored files a model.
 *
 * @returns false when a file was removed since it was written: another model that shared it may have gone meanwhile
 */
export const writeRecord = (
  manifest: Manifest,
  baseUrl: string,
  files: readonly StoredFile[],
  environment: InstallEnvironment,
  signal?: AbortSignal,
): Promise<boolean> =>
  environment.locks.hold(
    recordsLock,
    async () => {
      if (!(await areWhole(files, environment.chunks))) return false
      await putRecord(manifest, baseUrl, files, environment)
      return true
    },
    signal,
  )

/** Frees those of the files that no record names. A file that somebody is downloading just now is left to them. */
async function releaseFiles(
  files: readonly Pick<ModelFile, 'sha256'>[],
  { chunks, records, etags, locks }: InstallEnvironment,
): Promise<void> {
  const inUse = new Set((await records.all()).flatMap((record) => record.files.map((file) => file.sha256)))
  for (const { sha256 } of files) {
    if (inUse.has(sha256)) continue
    await locks.holdIfFree(downloadLock({ sha256 }), async () => {
      await chunks.remove(sha256)
      await etags.del(sha256)
    })
  }
}

/** The same, while no record changes. */
export const releaseUnnamed = (
  files: readonly Pick<ModelFile, 'sha256'>[],
  environment: InstallEnvironment,
): Promise<void> => environment.locks.hold(recordsLock, () => releaseFiles(files, environment))

/** Forgets a stored model: its record first, so that at no moment a record names a file that is gone. */
export async function removeRecord(
  record: ModelKey & { readonly files: readonly Pick<ModelFile, 'sha256'>[] },
  environment: InstallEnvironment,
): Promise<void> {
  await environment.locks.hold(recordsLock, async () => {
    const stored = await environment.records.find(record)
    await environment.records.del(record)
    await releaseFiles([...record.files, ...(stored?.files ?? [])], environment)
  })
}
