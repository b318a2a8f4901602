import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import { clamp } from './clamp.ts'
import type { LogNormal } from './log-normal.ts'
import { createSampleClock, sampleClockEntries } from './sample-clock.ts'

/** A filter's state, in a form that can be stored. */
export interface LogFilterSnapshot {
  readonly mu: number
  readonly variance: number
  readonly noise: number
  readonly samples: number
  readonly observedAtMs: number
  /** Absent in snapshots of older versions. */
  readonly usual?: number | undefined
}

export interface LogFilterOptions {
  /** Assumed before the first sample: the median, and the variance of its logarithm. */
  readonly prior: { readonly median: number; readonly variance: number }
  /** Samples and estimates are clamped to this range, so that bad measurements stay bounded. */
  readonly range: readonly [least: number, most: number]
  /** Variance of a sample's logarithm around the true value. */
  readonly noise: number
  /** The noise is learned from the residuals and stays at or above `noise` times this. Default 1: not learned. */
  readonly noiseFloorShare?: number
  /** Variance that the estimate gains with each second without a sample. */
  readonly driftPerSecond: number
  /** The estimate's variance never passes this. */
  readonly maxVariance: number
  /** The least that a full sample moves the estimate, as a share of the residual. Default 0. */
  readonly leastGain?: number
  /** A residual counts for no more than this, unless the estimate itself is less certain. Default: no limit. */
  readonly residualLimit?: number
  /** Weight of a sample in the long-term median, once there are many. Default 0.03: it follows within some thirty samples. */
  readonly usualGain?: number
}

/** Estimates a positive quantity that drifts, from noisy samples of it. */
export interface LogFilter {
  /**
   * Takes a sample in; `weight` in (0, 1] says how much of it is about this quantity. Anything but a positive finite
   * number is ignored. Returns whether the sample was used.
   */
  observe(value: number, nowMs: number, weight?: number): boolean
  /** Prediction of the next sample. Its variance grows with the age of the newest sample. */
  estimate(nowMs: number): LogNormal
  /** Raises the estimate's variance to at least this: earlier samples may no longer hold. */
  widen(variance: number): void
  /** Replaces the prior; ignored after the first sample. */
  setPrior(median: number, variance: number): void
  /** Long-term median over many samples; before the first, the prior's. */
  readonly usual: number
  /** Samples used so far. */
  readonly samples: number
  /** When the newest sample was taken; undefined before the first. */
  readonly observedAtMs: number | undefined
  /** The estimate's own variance after the newest sample, without the noise of a sample. */
  readonly uncertainty: number
  snapshot(): LogFilterSnapshot | undefined
  /** Continues from a snapshot, its variance raised by `extraVariance`. Returns false for an invalid snapshot. */
  restore(snapshot: unknown, nowMs: number, extraVariance: number): boolean
}

/** Older samples add no more variance: `maxVariance` caps it anyway. */
const maxAgeSeconds = 120

/** This many samples in a row beyond two standard deviations, on the same side, are taken as a change of level. */
const surprisesForChange = 3

/** Weight of a residual in the learned noise. */
const noiseGain = 0.15
const maxNoise = 1

const finite = v.pipe(v.number(), v.finite())
const snapshotSchema = object({
  mu: finite,
  variance: v.pipe(finite, v.minValue(0)),
  noise: v.pipe(finite, v.minValue(0)),
  usual: v.optional(finite),
  ...sampleClockEntries,
})

/**
 * A scalar Kalman filter on the logarithm of a quantity (Kalman 1960, "A new approach to linear filtering and
 * prediction problems"; random walk, Joseph form of the update). With `leastGain` it is an exponentially weighted
 * average whose first samples count for more: a weak prior gives way to the first real sample.
 */
export function createLogFilter(options: LogFilterOptions): LogFilter {
  const {
    range,
    driftPerSecond,
    maxVariance,
    leastGain = 0,
    usualGain = 0.03,
    residualLimit = Number.POSITIVE_INFINITY,
  } = options
  const [least, most] = range
  const leastNoise = options.noise * (options.noiseFloorShare ?? 1)
  const learnsNoise = options.noiseFloorShare !== undefined
  const toMu = (value: number) => Math.log(clamp(value, least, most))

  let mu = toMu(options.prior.median)
  let variance = Math.min(maxVariance, options.prior.variance)
  let usual = mu
  let noise = options.noise
  const clock = createSampleClock(maxAgeSeconds)
  let surprises = 0

  const agedVariance = (nowMs: number) => Math.min(maxVariance, variance + driftPerSecond * clock.ageSeconds(nowMs))

  return {
    observe(value, nowMs, weight = 1) {
      if (!(value > 0 && value < Number.POSITIVE_INFINITY && weight > 0)) return false
      // A weight near 0 would make the noise infinite and the variance NaN.
      const share = clamp(weight, 1e-6, 1)
      const residual = toMu(value) - mu
      const sampleNoise = noise / share
      let prior = agedVariance(nowMs)

      const surprising = Math.abs(residual) > 2 * Math.sqrt(prior + sampleNoise)
      const side = Math.sign(residual)
      if (!surprising) surprises = 0
      else surprises = Math.sign(surprises) === side ? surprises + side : side
      if (Math.abs(surprises) >= surprisesForChange) prior = Math.min(maxVariance, Math.max(prior, residual ** 2))

      const total = prior + sampleNoise
      const limit = Math.max(residualLimit, 3 * Math.sqrt(total))
      const taken = clamp(residual, -limit, limit)
      const gain = Math.max(leastGain * share, prior / total)
      mu = clamp(mu + gain * taken, Math.log(least), Math.log(most))
      variance = Math.min(maxVariance, (1 - gain) ** 2 * prior + gain ** 2 * sampleNoise)
      if (learnsNoise) {
        // The residual's variance is the estimate's plus the sample's: only the latter share is noise.
        const noiseSeen = taken ** 2 * (noise / (prior + noise))
        noise = clamp(noise + noiseGain * share * (noiseSeen - noise), leastNoise, maxNoise)
      }
      // A plain average at first, so that the first few samples do not dominate.
      usual += share * Math.max(usualGain, 1 / (clock.samples + 1)) * (toMu(value) - usual)
      clock.observe(nowMs)
      return true
    },
    estimate: (nowMs) => ({ mu, variance: agedVariance(nowMs) + noise }),
    widen(atLeast) {
      if (atLeast > variance) variance = Math.min(maxVariance, atLeast)
    },
    setPrior(median, priorVariance) {
      if (clock.samples > 0 || !(median > 0 && median < Number.POSITIVE_INFINITY && priorVariance >= 0)) return
      mu = toMu(median)
      usual = mu
      variance = Math.min(maxVariance, priorVariance)
    },
    get usual() {
      return Math.exp(usual)
    },
    get samples() {
      return clock.samples
    },
    get observedAtMs() {
      return clock.observedAtMs
    },
    get uncertainty() {
      return variance
    },
    snapshot() {
      const { samples, observedAtMs } = clock
      return observedAtMs === undefined ? undefined : { mu, variance, noise, samples, observedAtMs, usual }
    },
    restore(snapshot, nowMs, extraVariance) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success || !Number.isFinite(nowMs)) return false
      mu = clamp(parsed.output.mu, Math.log(least), Math.log(most))
      usual = clamp(parsed.output.usual ?? mu, Math.log(least), Math.log(most))
      variance = Math.min(maxVariance, parsed.output.variance + extraVariance)
      noise = learnsNoise ? clamp(parsed.output.noise, leastNoise, maxNoise) : options.noise
      clock.restore(parsed.output, nowMs)
      surprises = 0
      return true
    },
  }
}
