/**
 * Times are counted in buckets that grow by 5 %, so that a percentile read from the counts is within 2.5 % of the true
 * one, however many requests there were and however long ago.
 */
const growth = 1.05
const base = 0.1

/** Bucket of a time; -1 for none. */
export function bucketOf(ms: number | null | undefined): number {
  if (ms === null || ms === undefined || !Number.isFinite(ms) || ms < 0) return -1
  return Math.max(0, Math.min(600, Math.floor(Math.log(Math.max(ms, base) / base) / Math.log(growth))))
}

/** The middle of a bucket, in milliseconds. */
export const bucketMs = (bucket: number): number => base * growth ** (bucket + 0.5)

/**
 * Percentile of counted times, in milliseconds; undefined where there are none.
 *
 * @param share 0.5 is the median
 */
export function percentileOf(counts: ReadonlyMap<number, number>, share: number): number | undefined {
  const sorted = [...counts].filter(([bucket, count]) => bucket >= 0 && count > 0).sort(([a], [b]) => a - b)
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  if (total === 0) return undefined
  let seen = 0
  for (const [bucket, count] of sorted) {
    seen += count
    if (seen >= share * total) return bucketMs(bucket)
  }
  return undefined
}
