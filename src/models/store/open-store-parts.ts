import { createChunkCipher, openChunkKey } from '../chunks/chunk-cipher.ts'
import { type ChunkStore, createChunkStore, openChunkStore } from '../chunks/chunk-store.ts'
import { createMemoryStore, type KeyValueStore } from '../chunks/key-value-store.ts'
import { createLocks, type Locks, type LocksManager } from '../chunks/locks.ts'
import { openRecords, type Records } from '../chunks/open-records.ts'

export interface StorePartsOptions {
  readonly records?: Records | undefined
  readonly chunks?: ChunkStore | undefined
  readonly locks?: LocksManager | undefined
  readonly encrypt?: boolean | undefined
}

/** What the store stands on. */
export interface StoreParts {
  readonly chunks: ChunkStore
  /** The records, or memory where a record would outlive its chunks. */
  readonly kept: KeyValueStore
  readonly locks: Locks
  readonly persistent: boolean
}

/** Opens what the store stands on, or memory in its place. Never rejects. */
export async function openStoreParts(options: StorePartsOptions): Promise<StoreParts> {
  const records = options.records ?? (await openRecords())
  const manager = 'locks' in options ? options.locks : globalThis.navigator?.locks
  const chunks = options.chunks ?? (await openChunks(records, options.encrypt === true, createLocks(manager)))
  const persistent = records.persistent && chunks.persistent
  return {
    chunks,
    // A record that outlived its chunks would promise a model that is gone.
    kept: chunks.persistent ? records : createMemoryStore(),
    // In memory mode there is nothing that tabs could share.
    locks: createLocks(persistent ? manager : undefined),
    persistent,
  }
}

async function openChunks(records: Records, encrypt: boolean, locks: Locks): Promise<ChunkStore> {
  const inMemory = () => createChunkStore(createMemoryStore())
  if (!records.persistent) return inMemory()
  if (!encrypt) return openChunkStore()
  const key = await openChunkKey(records, locks).catch(() => undefined)
  // What was asked to be encrypted is never written in the clear.
  return key === undefined ? inMemory() : openChunkStore({ cipher: createChunkCipher(key) })
}
