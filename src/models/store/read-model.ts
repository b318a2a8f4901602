import { ModelError } from '../../errors/model-error.ts'
import { forEachLimited } from '../../utils/for-each-limited.ts'
import type { StoredFile } from '../chunks/stored-file.ts'
import { fileUrlsOf } from '../manifest/file-urls.ts'
import type { ByteSource } from '../onnx/byte-source.ts'
import { type HealableFile, type HealOptions, healChunk } from '../transfer/heal-chunk.ts'
import type { ModelRecord } from './model-records.ts'

/** Chunks read and hashed at a time: enough to keep the hashing threads busy, few enough to hold in memory. */
const chunksAtOnce = 4

export type ReadOptions = HealOptions

const healableOf = (record: ModelRecord, file: StoredFile): HealableFile => ({
  file,
  urls: fileUrlsOf(file, record.baseUrl),
  model: record.name,
})

/** The chunk as it is stored, or `undefined` when it is not what the record says. */
async function intactChunk({ file }: HealableFile, index: number, { chunks }: ReadOptions) {
  const stored = await chunks.get(file.sha256, index)
  return stored !== undefined && stored.sha256 === file.chunks[index] ? stored.bytes : undefined
}

/**
 * Reads a stored model into memory, each file into one buffer, and checks every chunk on the way: against its xxHash64
 * where that is known, else against its sha256.
 * A chunk that rotted, was cut or is gone is fetched again, alone and once.
 *
 * @returns the files' bytes by path
 * @throws {ModelError} `stored-model-damaged`: a chunk is damaged and could not be fetched again;
 *   `model-load-failed`: the device has not enough memory
 * @throws the signal's reason
 */
export async function readModel(
  record: ModelRecord,
  options: ReadOptions,
  wanted: (path: string) => boolean = () => true,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const file of record.files) {
    if (wanted(file.path)) files.set(file.path, await readFile(healableOf(record, file), options))
  }
  return files
}

function allocate(file: StoredFile): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(file.bytes)
  } catch (error) {
    throw new ModelError('model-load-failed', `This device has not enough memory for ${file.path}.`, {
      cause: error,
      context: { bytes: file.bytes },
    })
  }
}

async function readFile(healable: HealableFile, options: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { file } = healable
  const fast = await options.chunks.readAll(file.sha256, file.chunks, file.bytes)
  if (fast !== undefined) {
    for (const index of fast.damaged) {
      options.signal?.throwIfAborted()
      fast.bytes.set(await healChunk(healable, index, options), index * file.chunkBytes)
    }
    return fast.bytes
  }
  const target = allocate(file)
  await forEachLimited(file.chunks, chunksAtOnce, async (_, index) => {
    options.signal?.throwIfAborted()
    const bytes = (await intactChunk(healable, index, options)) ?? (await healChunk(healable, index, options))
    target.set(bytes, index * file.chunkBytes)
  })
  return target
}

/** One of the model's files, to be read here and there: one chunk at a time is held. */
export function sourceOf(record: ModelRecord, file: StoredFile, options: ReadOptions): ByteSource {
  const healable = healableOf(record, file)
  let held: { readonly index: number; readonly bytes: Uint8Array } | undefined
  const chunkAt = async (index: number): Promise<Uint8Array> => {
    if (held?.index === index) return held.bytes
    const bytes = (await intactChunk(healable, index, options)) ?? (await healChunk(healable, index, options))
    held = { index, bytes }
    return bytes
  }
  return {
    size: file.bytes,
    async read(start, end) {
      const target = new Uint8Array(end - start)
      for (let at = start; at < end; ) {
        const index = Math.floor(at / file.chunkBytes)
        const bytes = await chunkAt(index)
        const piece = bytes.subarray(at - index * file.chunkBytes, end - index * file.chunkBytes)
        target.set(piece, at - start)
        at += piece.byteLength
      }
      return target
    },
  }
}

/** What a check of a stored model found. */
export interface VerifyReport {
  readonly checkedBytes: number
  /** Chunks that were not what they should be. */
  readonly damagedChunks: number
  /** Those of them that were fetched again. */
  readonly repairedChunks: number
  /** True when every byte is right now. */
  readonly ok: boolean
}

/** Reads and hashes every stored byte of a model and repairs what it can. @throws the signal's reason */
export async function verifyModel(record: ModelRecord, options: ReadOptions): Promise<VerifyReport> {
  let checkedBytes = 0
  let damagedChunks = 0
  let repairedChunks = 0
  for (const file of record.files) {
    const healable = healableOf(record, file)
    await forEachLimited(file.chunks, chunksAtOnce, async (_, index) => {
      options.signal?.throwIfAborted()
      const bytes = await intactChunk(healable, index, options)
      checkedBytes += bytes?.byteLength ?? 0
      if (bytes !== undefined) return
      damagedChunks += 1
      try {
        const repaired = await healChunk(healable, index, options)
        repairedChunks += 1
        checkedBytes += repaired.byteLength
      } catch (error) {
        if (!(error instanceof ModelError)) throw error
      }
    })
  }
  return { checkedBytes, damagedChunks, repairedChunks, ok: damagedChunks === repairedChunks }
}
