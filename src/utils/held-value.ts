/** Values by key, each asked for once and held for a while. @see holdValues */
export interface HeldValues<K, T> {
  /** The held value, or a new one. Callers that ask while it is loading share one load. */
  get(key: K): Promise<T>
  /** Loads anew, whatever is held; that is given until the new one is here. A load under way is shared. */
  renew(key: K): Promise<T>
  /** The value that is held now, without loading; undefined where none is. */
  peek(key: K): { readonly value: T } | undefined
  /** The next `get` loads anew; a load under way is not held. */
  forget(key: K): void
  /** Forgets every key. */
  clear(): void
}

/**
 * Holds values for `holdMs`, and loads each at most once at a time. A failure is never held: it forgets the key and
 * rejects for all who wait.
 *
 * @param options.holdMs milliseconds that a value holds; may depend on the value
 * @param options.staleMs a value older than `holdMs`, but not than this, is given once more while a new one loads beside it
 * @param options.maxKeys the key that was loaded longest ago makes room; needed where strangers choose the keys
 */
export function holdValues<K, T>(options: {
  readonly load: (key: K) => Promise<T>
  readonly holdMs: number | ((value: T) => number)
  readonly staleMs?: number
  readonly maxKeys?: number
  readonly now?: () => number
}): HeldValues<K, T> {
  const { load, holdMs, staleMs = 0, maxKeys = Number.POSITIVE_INFINITY, now = () => performance.now() } = options
  const holdOf = typeof holdMs === 'function' ? holdMs : () => holdMs
  const held = new Map<K, { readonly value: T; readonly atMs: number }>()
  const loading = new Map<K, Promise<T>>()

  const hold = (key: K, value: T) => {
    // A key moves to the end when it is loaded again, so that the first one is the oldest.
    held.delete(key)
    if (held.size >= maxKeys) for (const oldest of [...held.keys()].slice(0, 1)) held.delete(oldest)
    held.set(key, { value, atMs: now() })
  }

  const reload = (key: K): Promise<T> => {
    const before = loading.get(key)
    if (before !== undefined) return before
    const isCurrent = () => loading.get(key) === loaded
    const loaded: Promise<T> = load(key).then(
      (value) => {
        if (isCurrent()) {
          loading.delete(key)
          hold(key, value)
        }
        return value
      },
      (error: unknown) => {
        if (isCurrent()) {
          loading.delete(key)
          held.delete(key)
        }
        throw error
      },
    )
    loading.set(key, loaded)
    return loaded
  }

  return {
    async get(key) {
      const known = held.get(key)
      if (known === undefined) return reload(key)
      const ageMs = now() - known.atMs
      const holdsMs = holdOf(known.value)
      if (ageMs < holdsMs) return known.value
      if (ageMs > staleMs) return reload(key)
      // A failure is met by the next call, which finds nothing held.
      reload(key).catch(() => {})
      return known.value
    },
    renew: reload,
    peek(key) {
      const known = held.get(key)
      return known !== undefined && now() - known.atMs < holdOf(known.value) ? { value: known.value } : undefined
    },
    forget(key) {
      held.delete(key)
      loading.delete(key)
    },
    clear() {
      held.clear()
      loading.clear()
    },
  }
}
