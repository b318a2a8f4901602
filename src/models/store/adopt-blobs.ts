import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import type { Progress } from '../../contracts/model-state.ts'
import type { StoredFile } from '../chunks/stored-file.ts'
import { totalBytesOf } from '../manifest/total-bytes.ts'
import { adoptFiles, type InstallEnvironment, releaseUnnamed } from './install-model.ts'
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
 * Makes given files a stored model. Where that fails, nothing of them stays.
 *
 * @throws {ModelError} `import-invalid`
 * @throws the signal's reason; a `QuotaExceededError` passes through as it is
 */
export async function adoptBlobs(
  manifest: Manifest,
  baseUrl: string,
  given: readonly GivenFile[],
  { signal, onProgress }: AdoptOptions,
  environment: InstallEnvironment,
): Promise<void> {
  const { chunks, download } = environment
  const totalBytes = totalBytesOf(manifest)
  const stored: StoredFile[] = []
  let loadedBytes = 0
  try {
    for (const { file, blob } of given) {
      stored.push(await writeBlob(blob, file, { chunks, chunkBytes: download.chunkBytes, signal }))
      loadedBytes += file.bytes
      onProgress?.({ loadedBytes, totalBytes })
    }
    await adoptFiles(manifest, baseUrl, stored, environment)
  } catch (error) {
    await releaseUnnamed(manifest.files, environment).catch(() => {})
    throw error
  }
}
