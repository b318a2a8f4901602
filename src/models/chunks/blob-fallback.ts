import type { KeyValueStore } from './key-value-store.ts'
import { isStorageFull } from './storage-error.ts'

/** A record whose `blob` a browser may refuse to keep. */
type Holding<T> = Readonly<Record<string, unknown>> & { readonly blob: T }

const holds = <T>(value: unknown, kind: new (...args: never[]) => T): value is Holding<T> =>
  typeof value === 'object' && value !== null && 'blob' in value && value.blob instanceof kind

/**
 * A store whose records may hold a Blob also where the browser keeps none: WebKit refuses them in private windows and
 * under automation ("Error preparing Blob/File data to be stored in object store"). There their bytes are stored, which
 * costs memory while they are read and nothing else. Whoever uses the store sees Blobs.
 */
export function withBlobFallback(store: KeyValueStore): KeyValueStore {
  let keepsBlobs = true
  const setBytes = async (key: string, value: Holding<Blob>) =>
    store.set(key, { ...value, blob: await value.blob.arrayBuffer() })
  const restore = (value: unknown): unknown =>
    holds(value, ArrayBuffer) ? { ...value, blob: new Blob([value.blob]) } : value

  return {
    ...store,
    get: async (key) => restore(await store.get(key)),
    getMany: async (keys) => (await store.getMany(keys)).map(restore),
    async set(key, value) {
      if (!holds(value, Blob)) return store.set(key, value)
      if (!keepsBlobs) return setBytes(key, value)
      try {
        await store.set(key, value)
      } catch (refused) {
        if (isStorageFull(refused)) throw refused
        await setBytes(key, value).catch((error: unknown) => {
          // A storage that takes nothing says more by what it said first.
          throw isStorageFull(error) ? error : refused
        })
        keepsBlobs = false
      }
    },
  }
}
