/** Remembers a promise by key until it rejects: a failure is never remembered, so that the next call tries again. */
export function memoizeAsync<K, T>(load: (key: K) => Promise<T>): ((key: K) => Promise<T>) & { forget(key: K): void } {
  const promises = new Map<K, Promise<T>>()
  const memoized = (key: K): Promise<T> => {
    const known = promises.get(key)
    if (known !== undefined) return known
    const promise = load(key)
    promises.set(key, promise)
    promise.catch(() => {
      if (promises.get(key) === promise) promises.delete(key)
    })
    return promise
  }
  return Object.assign(memoized, {
    forget(key: K) {
      promises.delete(key)
    },
  })
}
