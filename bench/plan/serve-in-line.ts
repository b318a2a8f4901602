/**
 * Plays M workers that take requests from one line, in the order in which these arrive.
 *
 * @param line.arriveMs when each arrives; not in order, as their ways differ
 * @param line.untilMs when the last one was sent: until then the workers' busy time counts
 */
export function serveInLine(line: {
  readonly arriveMs: Float64Array
  readonly serviceMs: Float64Array
  readonly count: number
  readonly workers: number
  readonly untilMs: number
}): { readonly tookMs: Float64Array; readonly utilisation: number } {
  const { arriveMs, serviceMs, count, workers, untilMs } = line
  const order = new Uint32Array(count).map((_, index) => index)
  order.sort((a, b) => (arriveMs[a] ?? 0) - (arriveMs[b] ?? 0))
  /** When each worker is free: a heap, the first one on top. */
  const free = new Float64Array(workers)
  const replaceFirst = (value: number) => {
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= workers) break
      if (child + 1 < workers && (free[child + 1] ?? 0) < (free[child] ?? 0)) child += 1
      const least = free[child] ?? 0
      if (least >= value) break
      free[at] = least
      at = child
    }
    free[at] = value
  }
  const tookMs = new Float64Array(count)
  let busyMs = 0
  for (const index of order) {
    const arrived = arriveMs[index] ?? 0
    const service = serviceMs[index] ?? 0
    const start = Math.max(arrived, free[0] ?? 0)
    replaceFirst(start + service)
    tookMs[index] = start + service - arrived
    busyMs += Math.max(0, Math.min(start + service, untilMs) - Math.min(start, untilMs))
  }
  return { tookMs, utilisation: count === 0 ? 0 : busyMs / (workers * untilMs) }
}
