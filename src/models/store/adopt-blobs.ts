import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import type { Progress } from '../../contracts/model-state.ts'
import type { StoredFile } from '../chunks/stored-file.ts'
import { totalBytesOf } from '../manifest/total-bytes.ts'
import type { ModelStore } from './model-store.ts'
import { writeBlob } from './write-blob.ts'

/**
 * Makes files that are at hand a stored model, within the budget. Where that fails, nothing of them stays.
 *
 * @throws {ModelError} `import-invalid`, `storage-full`
 * @throws the signal's reason; a `QuotaExceededError` passes through as it is
 */
export async function adoptBlobs(
  manifest: Manifest,
  baseUrl: string,
  given: readonly { readonly file: ModelFile; readonly blob: Blob }[],
  options: {
    readonly store: ModelStore
    readonly signal: AbortSignal
    readonly onProgress?: ((progress: Progress) => void) | undefined
  },
): Promise<void> {
  const { store, signal, onProgress } = options
  await store.makeRoom(manifest)
  const totalBytes = totalBytesOf(manifest)
  const stored: StoredFile[] = []
  let loadedBytes = 0
  try {
    for (const { file, blob } of given) {
      stored.push(await writeBlob(blob, file, { chunks: store.chunks, chunkBytes: store.chunkBytes, signal }))
      loadedBytes += file.bytes
      onProgress?.({ loadedBytes, totalBytes })
    }
    await store.adopt(manifest, baseUrl, stored)
  } catch (error) {
    await store.release(manifest.files).catch(() => {})
    throw error
  }
}
