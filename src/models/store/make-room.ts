import type { Manifest } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { fileUrlsOf } from '../manifest/file-urls.ts'
import { modelKey } from '../manifest/model-key.ts'
import { totalBytesOf } from '../manifest/total-bytes.ts'
import { type InstallEnvironment, removeRecord } from './install-model.ts'
import type { ModelNote, ModelNotes } from './model-notes.ts'
import type { ModelRecord } from './model-records.ts'

/** A model that could make room, with the bytes of its files. */
export interface Evictable {
  readonly name: string
  readonly revision: string
  readonly bytes: number
}

/** Can it be downloaded again? What a person added from a file is nowhere else. */
const isElsewhere = (record: ModelRecord, note: ModelNote | undefined): boolean =>
  note?.added === undefined || record.files.every((file) => fileUrlsOf(file, record.baseUrl).length > 0)

/** The stored models that are not pinned, the least recently used first: a person may choose one to make room. */
export async function evictableOf(
  { records }: Pick<InstallEnvironment, 'records'>,
  notes: ModelNotes,
  except: string,
): Promise<readonly ModelRecord[]> {
  const all = await notes.all()
  const usedAt = (record: ModelRecord) => all.get(record.name)?.usedAtMs ?? record.storedAtMs
  return (await records.all())
    .filter(({ name }) => name !== except && all.get(name)?.pinned !== true)
    .toSorted((a, b) => usedAt(a) - usedAt(b))
}

const toEvictables = (records: readonly ModelRecord[]): readonly Evictable[] =>
  records.map((record) => ({ name: record.name, revision: record.revision, bytes: totalBytesOf(record) }))

/**
 * Removes models that are not pinned and can be downloaded again, the least recently used first, until the manifest's
 * files fit the budget. Nothing is removed when that would not be enough.
 *
 * @returns the models that were removed
 * @throws {ModelError} `storage-full`
 */
export async function makeRoom(
  manifest: Manifest,
  budgetBytes: number,
  environment: InstallEnvironment,
  notes: ModelNotes,
): Promise<readonly Evictable[]> {
  const { chunks, records } = environment
  const own = new Set(manifest.files.map(({ sha256 }) => sha256))
  const sizes = new Map<string, number>()
  for (const sha256 of (await chunks.files()).keys()) sizes.set(sha256, await chunks.bytesOf(sha256))
  let keptBytes = totalBytesOf(manifest)
  for (const [sha256, bytes] of sizes) if (!own.has(sha256)) keptBytes += bytes
  if (keptBytes <= budgetBytes) return []

  const all = await records.all()
  const noted = await notes.all()
  const remaining = new Set(all.map(modelKey))
  const victims: ModelRecord[] = []
  for (const record of await evictableOf(environment, notes, manifest.name)) {
    if (keptBytes <= budgetBytes) break
    if (!isElsewhere(record, noted.get(record.name))) continue
    remaining.delete(modelKey(record))
    const needed = new Set(
      all.filter((other) => remaining.has(modelKey(other))).flatMap(({ files }) => files.map((file) => file.sha256)),
    )
    for (const { sha256 } of record.files) {
      if (needed.has(sha256) || own.has(sha256)) continue
      keptBytes -= sizes.get(sha256) ?? 0
      sizes.delete(sha256)
    }
    victims.push(record)
  }
  if (keptBytes > budgetBytes) {
    throw new ModelError(
      'storage-full',
      `${manifest.title} does not fit the space that models may take here. Remove a model, unpin one, or allow more.`,
      { context: { budgetBytes, neededBytes: keptBytes } },
    )
  }
  for (const victim of victims) await removeRecord(victim, environment)
  return toEvictables(victims)
}
