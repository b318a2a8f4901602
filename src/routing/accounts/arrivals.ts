import { clamp } from '../../utils/clamp.ts'

/** Weight of a new sample in the mean gap and in the edge's share. Tuned on recordings: `npm run bench -- routing`. */
const weight = 0.15
/** Upper bound of the edge's load: at 1, the wait would be infinite. */
const mostLoad = 0.8
/** A run delays others by at most this many times its own length, since they may run on another arm instead. */
const mostRuns = 4
/** A longer gap is a pause, and says nothing about the rate of requests. */
const longestGapMs = 60_000

/** The rate of requests, and how long a run on this device therefore delays the next ones. */
export interface Arrivals {
  /** A request has started on an arm. */
  observe(nowMs: number, arm: 'edge' | 'cloud'): void
  /**
   * The expected delay that one more run on this device causes to later requests, all of them together, in
   * milliseconds:
   *
   *     delay = λ·S·(W + S/2) / (1 − λ·S)
   *
   * with λ the rate of requests that start on this device, in 1/ms. Requests that arrive while the run waits (W) are
   * delayed by all of it, those that arrive while it runs (S) by half of it on average, and each passes its delay on
   * until the queue is empty: the marginal delay of a queue with Poisson arrivals and one server (M/G/1; Kleinrock
   * 1975, "Queueing Systems"). λ·S is bounded by 0.8, and the delay by four runs.
   *
   * @param busyMs S, the run's own time
   * @param waitMs W, its wait for the runs before it
   */
  delayOf(busyMs: number, waitMs: number): number
  /**
   * Whether this device could run every request: 1 up to a load of one half, 0 from full load on, linear in between.
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
      // Measurements may be NaN or absurd.
      if (!(busyMs > 0 && busyMs < 1e9 && waitMs >= 0 && waitMs < 1e9)) return 0
      const load = (edgeShare * busyMs) / Math.max(1, gapMs)
      const delay = (load * (waitMs + busyMs / 2)) / (1 - Math.min(mostLoad, load))
      return Math.min(delay, mostRuns * busyMs)
    },
    spareOf: (busyMs) => (busyMs > 0 ? clamp(2 - (2 * busyMs) / Math.max(1, gapMs), 0, 1) : 1),
  }
}
