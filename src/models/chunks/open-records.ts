import type { KeyValueStore } from './key-value-store.ts'
import type { DatabaseOptions } from './open-indexed-db.ts'
import { openKeyValueStore } from './open-key-value-store.ts'

/** Small values of which none may be lost: what is stored of a model, the last good catalogue. */
export type Records = KeyValueStore

/**
 * Opens the records, committed with strict durability. Never rejects: without IndexedDB they are kept in memory, and
 * `persistent` says so.
 */
export const openRecords = (options: Partial<DatabaseOptions> = {}): Promise<Records> =>
  openKeyValueStore({ name: 'hither-records', durability: 'strict', ...options })
