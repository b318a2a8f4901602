import { createLogFilter, type LogFilter } from '../utils/log-filter.ts'

export const assumedUplinkBitsPerSecond = 5e6
export const assumedDownlinkBitsPerSecond = 15e6

/** Nothing is known of a rate before its first sample: 90 % of the time within a factor of four. */
export const unknownRateVariance = 1.2

/**
 * Estimates a link's rate in one direction, in bits per second: a Kalman filter on its logarithm. Made for requests
 * seconds or minutes apart, so what grows with age is the uncertainty. Give `observe` a weight below 1 for a transfer
 * that was only a part of the time measured.
 */
export const createRateEstimator = (assumedBitsPerSecond: number): LogFilter =>
  createLogFilter({
    prior: { median: assumedBitsPerSecond, variance: unknownRateVariance },
    range: [1e3, 1e11],
    noise: 0.12,
    driftPerSecond: 0.006,
    maxVariance: unknownRateVariance,
  })
