import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import type { Progress } from '../../contracts/model-state.ts'
import type { StoredFile } from '../chunks/stored-file.ts'
import { totalBytesOf } from '../manifest/total-bytes.ts'
import { type InstallEnvironment, losesFiles, maxRounds, releaseUnnamed, writeRecord } from './install-model.ts'
import { writeBlob } from './write-blob.ts'

/** A file that is on this device already, and what it must be. */
export interface GivenFile {
  readonly file: ModelFile
  readonly blob: Blob
}

export interface AdoptOptions {
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * Makes given files a stored model. Where that fails, nothing of them stays, and what was there before does.
 *
 * @throws {ModelError} `import-invalid`
 * @throws {CapabilityError} `storage-unavailable`
 * @throws the signal's reason; a `QuotaExceededError` passes through as it is
 */
export async function adoptBlobs(
  manifest: Manifest,
  baseUrl: string,
  given: readonly GivenFile[],
  { signal, onProgress }: AdoptOptions,
  environment: InstallEnvironment,
): Promise<void> {
  const { chunks, records, download } = environment
  const totalBytes = totalBytesOf(manifest)
  /** Files that nobody has begun to download: theirs alone are freed again. */
  const own: ModelFile[] = []
  try {
    for (const { file } of given) if ((await chunks.indexes(file.sha256)).size === 0) own.push(file)
    for (let round = 0; round < maxRounds; round += 1) {
      const stored: StoredFile[] = []
      let loadedBytes = 0
      for (const { file, blob } of given) {
        const known = await records.findFile(file)
        const chunkBytes = known?.chunkBytes ?? download.chunkBytes
        stored.push(await writeBlob(blob, file, { chunks, chunkBytes, signal }))
        loadedBytes += file.bytes
        if (round === 0) onProgress?.({ loadedBytes, totalBytes })
      }
      if (await writeRecord(manifest, baseUrl, stored, environment, signal)) return
    }
    throw losesFiles(manifest)
  } catch (error) {
    await releaseUnnamed(own, environment).catch(() => {})
    throw error
  }
}
