import { promisifyRequest, type UseStore } from 'idb-keyval'
import { openIndexedDb } from '../models/chunks/open-indexed-db.ts'
import { createSerialQueue } from '../utils/serial-queue.ts'

/** What can be done inside one transaction: all of it is kept, or none. Await nothing else in there. */
export interface Transaction {
  get(key: string): Promise<unknown>
  put(key: string, value: unknown): Promise<unknown>
  delete(key: string): Promise<unknown>
  /** Keys that start with `prefix`, in their order, at most `limit`. */
  keys(prefix: string, limit?: number): Promise<readonly string[]>
}

/** A small ordered map with transactions, shared by every tab and the service worker of this origin. */
export interface RecordSpace {
  /** False in memory mode: what is kept ends with this page. */
  readonly persistent: boolean
  /** Runs `work` alone: no other tab changes anything meanwhile. Resolves once everything is on the disk. */
  change<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
}

/** Opens the space in IndexedDB with strict durability, or in memory where there is none. Never rejects. */
export async function openRecordSpace(
  options: { readonly name?: string; readonly indexedDB?: IDBFactory | undefined } = {},
): Promise<RecordSpace> {
  const { name = 'hither-outbox' } = options
  const store = await openIndexedDb({
    name,
    durability: 'strict',
    ...('indexedDB' in options ? { indexedDB: options.indexedDB } : {}),
  }).catch(() => undefined)
  return store === undefined ? createMemorySpace() : { persistent: true, change: (work) => inDatabase(store, work) }
}

function inDatabase<T>(store: UseStore, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  return store('readwrite', async (objects) => {
    const { transaction } = objects
    // Only the transaction's end means that it is kept: a request that succeeded can still be undone.
    const done = promisifyRequest(transaction)
    done.catch(() => {})
    let result: T
    try {
      result = await work({
        get: (key) => promisifyRequest(objects.get(key)),
        put: (key, value) => promisifyRequest(objects.put(value, key)),
        delete: (key) => promisifyRequest(objects.delete(key)),
        keys: async (prefix, limit) =>
          (await promisifyRequest(objects.getAllKeys(IDBKeyRange.bound(prefix, `${prefix}\uffff`), limit))).map(String),
      })
    } catch (error) {
      try {
        transaction.abort()
      } catch {
        // The browser ended it already.
      }
      throw error
    }
    await done
    return result
  })
}

/** For a browser without IndexedDB, and for tests. */
export function createMemorySpace(): RecordSpace {
  const queue = createSerialQueue()
  let values = new Map<string, unknown>()
  return {
    persistent: false,
    change: (work) =>
      queue.add(async () => {
        const draft = new Map(values)
        const result = await work({
          get: async (key) => structuredClone(draft.get(key)),
          put: async (key, value) => draft.set(key, structuredClone(value)),
          delete: async (key) => draft.delete(key),
          keys: async (prefix, limit) =>
            [...draft.keys()]
              .filter((key) => key.startsWith(prefix))
              .sort()
              .slice(0, limit),
        })
        values = draft
        return result
      }),
  }
}
