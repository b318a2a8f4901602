import { clamp } from '../../utils/clamp.ts'

/** What a new gap, and a new start, weigh in their means. Tuned on recordings: `npm run bench -- routing`. */
const weight = 0.15
/** The edge's load never counts for more: at one, the wait would be without end. */
const mostLoad = 0.8
/** A run is not made to cost more than this many times its own length: what comes next may be sent elsewhere. */
const mostRuns = 4
/** A longer gap is a pause, and says nothing of the requests around it. */
const longestGapMs = 60_000

/** How close requests follow each other, and what a run on this device therefore costs those that come next. */
export interface Arrivals {
  /** A request came, and started there. */
  observe(nowMs: number, arm: 'edge' | 'cloud'): void
  /**
   * How much longer later requests are expected to wait because of one more run on this device, all of them together,
   * in milliseconds:
   *
   *     delay = λ·S·(W + S/2) / (1 − λ·S)
   *
   * with λ the rate of requests that start here, in 1/ms. Those that come while the run waits (W) stand behind all of
   * it, those that come while it runs (S) behind half of it on average, and each of them passes its delay on until the
   * queue is empty: the marginal delay of a queue with Poisson arrivals and one server (M/G/1; Kleinrock, Queueing
   * Systems, 1975). λ·S is bounded by 0.8, and the delay by four runs.
   *
   * @param busyMs S, the run's own time
   * @param waitMs W, its wait for the runs before it
   */
  delayOf(busyMs: number, waitMs: number): number
  /**
   * Whether this device could run every request: 1 while that takes at most half of its time, 0 from where it would take
   * all of it, and straight between them.
   */
  spareOf(busyMs: number): number
}

export function createArrivals(): Arrivals {
  let lastMs: number | undefined
  let gapMs = longestGapMs
  let edgeShare = 1
  return {
    observe(nowMs, arm) {
      if (!Number.isFinite(nowMs)) return
      const gap = lastMs === undefined ? longestGapMs : clamp(nowMs - lastMs, 0, longestGapMs)
      lastMs = nowMs
      gapMs += weight * (gap - gapMs)
      edgeShare += weight * ((arm === 'edge' ? 1 : 0) - edgeShare)
    },
    delayOf(busyMs, waitMs) {
      // What was measured may be anything.
      if (!(busyMs > 0 && busyMs < 1e9 && waitMs >= 0 && waitMs < 1e9)) return 0
      const load = (edgeShare * busyMs) / Math.max(1, gapMs)
      const delay = (load * (waitMs + busyMs / 2)) / (1 - Math.min(mostLoad, load))
      return Math.min(delay, mostRuns * busyMs)
    },
    spareOf: (busyMs) => (busyMs > 0 ? clamp(2 - (2 * busyMs) / Math.max(1, gapMs), 0, 1) : 1),
  }
}
