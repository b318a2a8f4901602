import { createLogFilter, type LogFilter } from '../utils/log-filter.ts'

const assumedMs = 80

/**
 * Estimates the link's round trip in milliseconds: a log-average in which a new sample counts for at least 0.3, with
 * a variance learned from its residuals and widened by age. Before the first sample it assumes `hintMs`, else 80.
 */
export const createRoundTripEstimator = (hintMs?: number): LogFilter =>
  createLogFilter({
    prior: { median: hintMs !== undefined && hintMs > 0 ? hintMs : assumedMs, variance: 1 },
    range: [0.05, 60_000],
    noise: 0.12,
    noiseFloorShare: 0.25,
    driftPerSecond: 0.003,
    maxVariance: 1.2,
    leastGain: 0.3,
    residualLimit: 1.2,
  })
