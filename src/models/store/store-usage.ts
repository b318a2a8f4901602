import type { ChunkStore } from '../chunks/chunk-store.ts'
import { totalBytesOf } from '../manifest/total-bytes.ts'
import type { ModelNotes } from './model-notes.ts'
import type { ModelRecords } from './model-records.ts'

/** What the store holds. */
export interface StoreUsage {
  /** False in memory mode. */
  readonly persistent: boolean
  readonly models: readonly {
    readonly name: string
    readonly revision: string
    /** Bytes of all its files, also of those it shares with another model. */
    readonly bytes: number
    readonly storedAtMs: number
    /** When it was last loaded; absent when it never was. */
    readonly usedAtMs?: number
    /** Never evicted to make room. */
    readonly pinned: boolean
  }[]
  /** Bytes of downloads that are not finished. */
  readonly partialBytes: number
  /** Bytes of everything, shared files counted once. */
  readonly totalBytes: number
}

export async function usageOf(
  records: ModelRecords,
  chunks: ChunkStore,
  notes: ModelNotes,
  persistent: boolean,
): Promise<StoreUsage> {
  const all = await records.all()
  const named = new Set(all.flatMap((record) => record.files.map((file) => file.sha256)))
  let partialBytes = 0
  let totalBytes = 0
  for (const sha256 of (await chunks.files()).keys()) {
    const bytes = await chunks.bytesOf(sha256)
    totalBytes += bytes
    if (!named.has(sha256)) partialBytes += bytes
  }
  const noted = await notes.all()
  const models = all.map((record) => {
    const { pinned = false, usedAtMs } = noted.get(record.name) ?? {}
    return {
      name: record.name,
      revision: record.revision,
      bytes: totalBytesOf(record),
      storedAtMs: record.storedAtMs,
      ...(usedAtMs === undefined ? {} : { usedAtMs }),
      pinned,
    }
  })
  return { persistent, models, partialBytes, totalBytes }
}
