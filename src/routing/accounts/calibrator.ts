import { clamp } from '../../utils/clamp.ts'
import type { LogNormal } from '../../utils/log-normal.ts'

/** Keeps a prediction's 90th percentile where nine of ten runs stay below it. */
export interface Calibrator {
  /** The prediction, widened or narrowed by what was seen. */
  calibrate(time: LogNormal): LogNormal
  /** A run took `ms` (or, with `atLeast`, more) where `predicted`, already calibrated, was expected. */
  observe(p90Ms: number, ms: number, atLeast?: boolean): void
  /** The factor on the standard deviation, as its logarithm. */
  scale: number
}

const [leastScale, mostScale] = [-1.2, 1.2]
/** Widening goes no further: a log-normal's mean grows with its variance, and beyond this it would say nothing. */
const mostVariance = 1.6

/**
 * Adaptive conformal inference (Gibbs and Candès 2021, "Adaptive conformal inference under distribution shift"), on
 * the logarithm of the standard deviation: a run above the 90th percentile widens by 0.9 steps, one below narrows by
 * 0.1. Whatever the times do, the long-run share below it is nine of ten.
 */
export function createCalibrator({ step = 0.1, start = 0 } = {}): Calibrator {
  let scale = start
  return {
    calibrate: ({ mu, variance }) => ({
      mu,
      variance: Math.min(variance * Math.exp(2 * scale), Math.max(variance, mostVariance)),
    }),
    observe(p90Ms, ms, atLeast = false) {
      if (!(ms > 0 && ms < Number.POSITIVE_INFINITY)) return
      const above = ms > p90Ms
      // What was cut off below the percentile might have ended on either side.
      if (atLeast && !above) return
      scale = clamp(scale + step * (above ? 0.9 : -0.1), leastScale, mostScale)
    },
    get scale() {
      return scale
    },
    set scale(value) {
      if (Number.isFinite(value)) scale = clamp(value, leastScale, mostScale)
    },
  }
}
