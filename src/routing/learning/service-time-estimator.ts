import { createLogFilter, type LogFilter } from '../../utils/log-filter.ts'

/**
 * Estimates how long a run takes, in milliseconds: a log-average in which a new sample counts for at least 0.25 and
 * no residual for more than ±1.2, so that one hiccup does not move a request elsewhere. Its variance is learned from
 * the residuals and widened by age. The first sample nearly replaces a prior as weak as `variance` 1.
 */
export const createServiceTimeEstimator = (prior: {
  readonly medianMs: number
  readonly variance: number
}): LogFilter =>
  createLogFilter({
    prior: { median: prior.medianMs, variance: prior.variance },
    range: [1e-2, 6e5],
    noise: 0.06,
    noiseFloorShare: 0.25,
    driftPerSecond: 0.0005,
    maxVariance: 2,
    leastGain: 0.25,
    residualLimit: 1.2,
  })
