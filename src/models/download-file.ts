import type { ModelFile } from '../contracts/manifest.ts'
import { ModelError } from '../errors/model-error.ts'
import { defaultChunkBytes } from './chunk-store.ts'
import type { StoredFile } from './stored-file.ts'
import { type TransferOptions, transferFile } from './transfer-file.ts'

export type DownloadOptions = Omit<TransferOptions, 'chunkBytes'> & {
  /** Default 8 MiB. */
  readonly chunkBytes?: number | undefined
}

/**
 * Streams one file into the store and vouches for it: what it resolves with was hashed byte by byte against the
 * manifest. Continues from the chunks that are stored, also after an abort or a crash. Holds one chunk in memory.
 *
 * @throws {ModelError} `download-failed` (the server refuses, or the connection failed again and again: what arrived
 *   stays stored), `download-wrong-size`, `download-wrong-hash` (nothing of the file stays), `storage-full` (likewise)
 * @throws {CapabilityError} `storage-unavailable`
 * @throws the signal's reason; the chunks that arrived stay stored
 */
export async function downloadFile(file: ModelFile, url: string, options: DownloadOptions): Promise<StoredFile> {
  const { chunks, chunkBytes = defaultChunkBytes } = options
  for (let mayRefetch = true; ; mayRefetch = false) {
    const transfer = await transferFile(file, url, { ...options, chunkBytes })
    if (transfer.sha256 === file.sha256) return { ...file, chunkBytes, chunks: transfer.chunks }
    await chunks.remove(file.sha256)
    if (!mayRefetch) {
      throw new ModelError(
        'download-wrong-hash',
        `The server's ${file.path} is not the file its manifest promises, so it was not stored.`,
        { context: { expected: file.sha256, received: transfer.sha256 } },
      )
    }
  }
}
