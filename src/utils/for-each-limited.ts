/**
 * Does `work` for every item, `limit` at a time, in order of start. Rejects with the first failure and starts nothing
 * after it.
 */
export async function forEachLimited<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let index = 0
  let failed = false
  const lane = async () => {
    for (;;) {
      if (failed) return
      const next = iterator.next()
      if (next.done) return
      try {
        await work(next.value, index++)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, lane))
}
