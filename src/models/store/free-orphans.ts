import type { KeyValueStore } from '../chunks/key-value-store.ts'
import { type InstallEnvironment, releaseUnnamed, removeRecord } from './install-model.ts'
import type { ModelRecord } from './model-records.ts'
import { nameLock, nameLocks } from './name-lock.ts'

/** Where manifests lie: of stored models, of models whose download is not finished, of models that a person added. */
const spokenOf = ['model/', 'manifest/', 'note/']

/** Every sha256 in a value, at any depth: a record that this release can't read still counts. */
function collectHashes(value: unknown, into: Set<string>): void {
  if (typeof value === 'string') {
    if (/^[0-9a-f]{64}$/.test(value)) into.add(value)
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) collectHashes(part, into)
  }
}

async function hashesIn(kept: KeyValueStore): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>()
  for (const prefix of spokenOf) collectHashes(await kept.getMany(await kept.keys(prefix)), hashes)
  return hashes
}

/**
 * Frees the space of models that no list shows, and of files that nothing speaks of: what is left where a tab was closed
 * while a model was added or removed. A name that a tab is at work on is left to it.
 *
 * @param isListed does a list show this record's model?
 */
export async function freeOrphans(
  kept: KeyValueStore,
  isListed: (record: ModelRecord) => Promise<boolean>,
  environment: InstallEnvironment,
): Promise<void> {
  const { records, chunks, locks } = environment
  // Looked at first: a file that comes later is of somebody who is at work now.
  const files = [...(await chunks.files()).keys()]
  for (const record of await records.all()) {
    if (await isListed(record)) continue
    await locks.holdIfFree(nameLock(record.name), async () => {
      const now = await records.find(record)
      if (now !== undefined && !(await isListed(now))) await removeRecord(now, environment)
    })
  }
  const spoken = await hashesIn(kept)
  const unnamed = files.filter((sha256) => !spoken.has(sha256)).map((sha256) => ({ sha256 }))
  if (unnamed.length === 0 || (await locks.isHeld(nameLocks))) return
  await releaseUnnamed(unnamed, environment)
}
