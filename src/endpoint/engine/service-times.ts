/** How long runs of one model take, from the last ones. */
export interface ServiceTimes {
  /** Adds one request's time in milliseconds; of a batch, its time by its requests. */
  add(ms: number): void
  /** Requests that were added since the start. */
  readonly count: number
  /** Undefined before the first one. */
  readonly meanMs: number | undefined
  readonly p95Ms: number | undefined
}

/**
 * The 95th percentile is the nearest rank: the least time that at least 95 % of the times do not exceed.
 *
 * @param window how many of the last times count
 */
export function createServiceTimes(window = 64): ServiceTimes {
  const times: number[] = []
  let count = 0
  let summary: { readonly mean: number; readonly p95: number } | undefined
  const summarize = () => {
    if (times.length === 0) return undefined
    const sorted = [...times].sort((a, b) => a - b)
    const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0
    return { mean: times.reduce((sum, ms) => sum + ms, 0) / times.length, p95 }
  }
  const read = () => {
    summary ??= summarize()
    return summary
  }
  return {
    add(ms) {
      times[count % window] = ms
      count += 1
      summary = undefined
    },
    get count() {
      return count
    },
    get meanMs() {
      return read()?.mean
    },
    get p95Ms() {
      return read()?.p95
    },
  }
}
