import { clamp } from '../../utils/clamp.ts'
import type { LogNormal } from '../../utils/log-normal.ts'

/** Corrects the spread of predictions, so that nine of ten runs stay below the 90th percentile. */
export interface Calibrator {
  /** The prediction, widened or narrowed by earlier observations. */
  calibrate(time: LogNormal): LogNormal
  /** A run took `ms` (or, with `atLeast`, more); `p90Ms` is the percentile of its calibrated prediction. */
  observe(p90Ms: number, ms: number, atLeast?: boolean): void
  /** Logarithm of the factor on the standard deviation. */
  scale: number
}

const [leastScale, mostScale] = [-1.2, 1.2]
/** Upper bound of widening: a log-normal's mean grows with its variance, and would become meaningless. */
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
      // A run cut off below the percentile might have ended on either side of it.
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
