import { delMany, get, getMany, promisifyRequest, set } from 'idb-keyval'
import { createMemoryStore, type KeyValueStore } from './key-value-store.ts'
import { type DatabaseOptions, openIndexedDb } from './open-indexed-db.ts'

/** Opens a store in IndexedDB, or in memory where IndexedDB is missing, refuses, or does not answer in time. Never rejects. */
export async function openKeyValueStore(options: DatabaseOptions): Promise<KeyValueStore> {
  const store = await openIndexedDb(options).catch(() => undefined)
  if (store === undefined) return createMemoryStore()
  return {
    persistent: true,
    get: (key) => get<unknown>(key, store),
    getMany: (keys) => getMany<unknown>([...keys], store),
    set: (key, value) => set(key, value, store),
    del: (keys) => delMany([...keys], store),
    keys: (prefix = '') =>
      store('readonly', async (objects) => {
        const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
        const keys = await promisifyRequest(objects.getAllKeys(range))
        return keys.filter((key) => typeof key === 'string')
      }),
  }
}
