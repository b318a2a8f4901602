import type { Manifest, ModelFile } from '../contracts/manifest.ts'
import type { Progress } from '../contracts/model-state.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import type { ChunkStore } from './chunk-store.ts'
import { type DownloadOptions, downloadFile } from './download-file.ts'
import type { Etags } from './etags.ts'
import type { Locks } from './locks.ts'
import type { ModelRecords } from './model-records.ts'
import { isStorageFull } from './storage-error.ts'
import type { StoredFile } from './stored-file.ts'
import { totalBytesOf } from './total-bytes.ts'

/** Times that another tab may remove a file between its download and the record before we give up. */
const maxRounds = 3

export interface InstallEnvironment {
  readonly chunks: ChunkStore
  readonly records: ModelRecords
  readonly etags: Etags
  readonly locks: Locks
  readonly now: () => number
  readonly download: Omit<DownloadOptions, 'chunks' | 'etags' | 'signal' | 'onProgress'>
}

/** Held while records and the files they name change together. */
const recordsLock = 'hither-records'
const downloadLock = (file: ModelFile) => `hither-download:${file.sha256}`

const isWhole = async (file: StoredFile, chunks: ChunkStore): Promise<boolean> => {
  const indexes = await chunks.indexes(file.sha256)
  return file.chunks.every((_, index) => indexes.has(index))
}

/** True when every chunk that the files name is in the store. Nothing is read. */
export async function areWhole(files: readonly StoredFile[], chunks: ChunkStore): Promise<boolean> {
  for (const file of files) if (!(await isWhole(file, chunks))) return false
  return true
}

/** Downloads what is missing of a model and writes its record last. */
export async function installModel(
  manifest: Manifest,
  baseUrl: string,
  environment: InstallEnvironment,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<void> {
  const { chunks, records, etags, locks, now, download } = environment
  const totalBytes = totalBytesOf(manifest)
  let reported = 0
  const report = (loadedBytes: number) => {
    // Each report crosses to the page: half per cent steps are smooth enough.
    const isStep = loadedBytes - reported >= totalBytes / 200
    if (!isStep && loadedBytes >= reported && loadedBytes !== totalBytes) return
    reported = loadedBytes
    onProgress({ loadedBytes, totalBytes })
  }

  const installFile = async (file: ModelFile, bytesBefore: number): Promise<StoredFile> => {
    const known = await records.findFile(file)
    if (known !== undefined && (await isWhole(known, chunks))) return { ...known, path: file.path }
    return downloadFile(file, new URL(file.path, baseUrl).href, {
      ...download,
      // Another model's record counts on the chunks as it knows them.
      chunkBytes: known?.chunkBytes ?? download.chunkBytes,
      chunks,
      etags,
      signal,
      onProgress: ({ loadedBytes }) => report(bytesBefore + loadedBytes),
    })
  }

  /** False when a file was removed since it was verified. */
  const writeRecord = (files: readonly StoredFile[]): Promise<boolean> =>
    locks.hold(
      recordsLock,
      async () => {
        if (!(await areWhole(files, chunks))) return false
        const { name, revision } = manifest
        const stored = files.map((file) => ({ ...file, chunks: [...file.chunks] }))
        await records.put({ format: 1, name, revision, baseUrl, storedAtMs: now(), files: stored })
        return true
      },
      signal,
    )

  for (let round = 0; round < maxRounds; round += 1) {
    const files: StoredFile[] = []
    let bytesBefore = 0
    for (const file of manifest.files) {
      const before = bytesBefore
      files.push(await locks.hold(downloadLock(file), () => installFile(file, before), signal))
      bytesBefore += file.bytes
      report(bytesBefore)
    }
    signal.throwIfAborted()
    if (await writeRecord(files)) {
      for (const file of files) await etags.del(file.sha256).catch(() => {})
      return
    }
  }
  throw new CapabilityError(
    'storage-unavailable',
    `This browser's storage loses the files of ${manifest.name} as soon as they are written.`,
  )
}

/** Frees the files that no record names. A file that somebody is downloading just now is left to them. */
export async function releaseFiles(manifest: Manifest, environment: InstallEnvironment): Promise<void> {
  const { chunks, records, etags, locks } = environment
  const inUse = new Set((await records.all()).flatMap((record) => record.files.map((file) => file.sha256)))
  for (const file of manifest.files) {
    if (inUse.has(file.sha256)) continue
    await locks.holdIfFree(downloadLock(file), async () => {
      await chunks.remove(file.sha256)
      await etags.del(file.sha256)
    })
  }
}

/** Runs an install and, when the device turns out to be full, frees what it had written. */
export async function installOrRelease(
  install: () => Promise<void>,
  manifest: Manifest,
  environment: InstallEnvironment,
): Promise<void> {
  try {
    await install()
  } catch (error) {
    const isFull = isStorageFull(error) || (error instanceof Error && 'code' in error && error.code === 'storage-full')
    if (isFull) {
      await environment.locks.hold(recordsLock, () => releaseFiles(manifest, environment)).catch(() => {})
    }
    throw error
  }
}

/** Forgets a model: its record first, so that at no moment a record names a file that is gone. */
export async function removeModel(manifest: Manifest, environment: InstallEnvironment): Promise<void> {
  await environment.locks.hold(recordsLock, async () => {
    await environment.records.del(manifest)
    await releaseFiles(manifest, environment)
  })
}
