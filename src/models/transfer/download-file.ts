import type { ModelFile } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { defaultChunkBytes } from '../chunks/chunk-store.ts'
import type { StoredFile } from '../chunks/stored-file.ts'
import { transferFile } from './transfer-file.ts'
import type { TransferOptions } from './transfer-options.ts'

export type DownloadOptions = Omit<TransferOptions, 'chunkBytes'> & {
  /** Default: the manifest's own, where it has hashes of chunks, else 8 MiB. */
  readonly chunkBytes?: number | undefined
}

/** Hashes of other chunks than those that are stored prove nothing of these. */
const withUsableChunks = (file: ModelFile, chunkBytes: number): ModelFile => {
  const isUsable = file.chunks?.bytes === chunkBytes && file.chunks.sha256.length === Math.ceil(file.bytes / chunkBytes)
  const { chunks: _, ...rest } = file
  return isUsable ? file : rest
}

/**
 * Streams one file into the store and vouches for it: what it resolves with was hashed byte by byte against the
 * manifest. Continues from the chunks that are stored, also after an abort or a crash.
 *
 * @param urls where the file is; the next one is asked when one fails or sends other bytes
 * @throws {ModelError} `download-failed` (the server refuses, or the connection failed again and again: what arrived
 *   stays stored), `download-wrong-size`, `download-wrong-hash` (nothing of the file stays), `storage-full` (likewise)
 * @throws {CapabilityError} `storage-unavailable`
 * @throws the signal's reason; the chunks that arrived stay stored
 */
export async function downloadFile(
  file: ModelFile,
  urls: readonly string[],
  options: DownloadOptions,
): Promise<StoredFile> {
  const { chunks, chunkBytes = file.chunks?.bytes ?? defaultChunkBytes } = options
  const expected = withUsableChunks(file, chunkBytes)
  if (urls.length === 0) {
    throw new ModelError('download-failed', `${file.path} came from this device and has no address. Add it again.`)
  }
  // The second round may have mixed two addresses, too: each further one asks a single address.
  for (let round = 0; ; round += 1) {
    const asked =
      round < 2 ? urls.slice(round % urls.length) : urls.slice(round % urls.length, (round % urls.length) + 1)
    let received: string | undefined
    try {
      const transfer = await transferFile(expected, asked, { ...options, chunkBytes })
      if (transfer.sha256 === file.sha256) return { ...file, chunkBytes, chunks: transfer.chunks }
      received = transfer.sha256
    } catch (error) {
      if (!(error instanceof ModelError) || error.code !== 'download-wrong-hash') throw error
      await chunks.remove(file.sha256)
      throw wrongHash(file, undefined, error)
    }
    await chunks.remove(file.sha256)
    if (round >= Math.max(1, urls.length - 1)) throw wrongHash(file, received)
  }
}

const wrongHash = (file: ModelFile, received: string | undefined, cause?: unknown) =>
  new ModelError(
    'download-wrong-hash',
    `The server's ${file.path} is not the file its manifest promises, so it was not stored.`,
    { cause, context: { expected: file.sha256, ...(received === undefined ? {} : { received }) } },
  )
