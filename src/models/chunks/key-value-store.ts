/**
 * A small map that may outlive the page. What it stands on (IndexedDB or memory) is the opener's business; what is
 * stored must survive a structured clone.
 */
export interface KeyValueStore {
  /** False in memory mode: what is stored ends with this thread. */
  readonly persistent: boolean
  get(key: string): Promise<unknown>
  /** Several values at once, in the keys' order. */
  getMany(keys: readonly string[]): Promise<readonly unknown[]>
  /** Resolves once the value is committed; a `QuotaExceededError` passes through as it is. */
  set(key: string, value: unknown): Promise<void>
  del(keys: readonly string[]): Promise<void>
  /** Every key that starts with `prefix`, in no promised order. */
  keys(prefix?: string): Promise<readonly string[]>
}

/** Memory mode: for a browser without IndexedDB, or one whose IndexedDB never answers. */
export function createMemoryStore(): KeyValueStore {
  const values = new Map<string, unknown>()
  return {
    persistent: false,
    async get(key) {
      return values.get(key)
    },
    async getMany(keys) {
      return keys.map((key) => values.get(key))
    },
    async set(key, value) {
      values.set(key, value)
    },
    async del(keys) {
      for (const key of keys) values.delete(key)
    },
    async keys(prefix = '') {
      return [...values.keys()].filter((key) => key.startsWith(prefix))
    },
  }
}
