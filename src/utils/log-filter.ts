import * as v from 'valibot'
import type { LogNormal } from './log-normal.ts'

/** What a filter remembers, in a form that can be stored. */
export interface LogFilterSnapshot {
  readonly mu: number
  readonly variance: number
  readonly noise: number
  readonly samples: number
  readonly observedAtMs: number
  /** Absent in what was stored before it was kept. */
  readonly usual?: number | undefined
}

export interface LogFilterOptions {
  /** What is assumed before the first sample: the median, and the variance of its logarithm. */
  readonly prior: { readonly median: number; readonly variance: number }
  /** Samples and estimates are kept inside this range, so that nonsense stays bounded. */
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
  /** How much a sample moves what is usual, once there are many. Default 0.03: some thirty samples make another one usual. */
  readonly usualGain?: number
}

/** Estimates a positive quantity that drifts, from noisy samples of it. */
export interface LogFilter {
  /**
   * Takes a sample in; `weight` in (0, 1] says how much of it is about this quantity. Anything that is no positive
   * finite number is ignored. Returns whether the sample was taken.
   */
  observe(value: number, nowMs: number, weight?: number): boolean
  /** What the next sample is expected to be. The variance grows with the age of what is known. */
  estimate(nowMs: number): LogNormal
  /** Makes the estimate at least this uncertain: what was measured may no longer hold. */
  widen(variance: number): void
  /** Replaces what is assumed before the first sample; ignored after it. */
  setPrior(median: number, variance: number): void
  /** The median of what this quantity has been over many samples, whatever it is now; before the first, what is assumed. */
  readonly usual: number
  /** Samples taken in. */
  readonly samples: number
  /** When the newest sample was taken; undefined before the first. */
  readonly observedAtMs: number | undefined
  /** The estimate's own variance when the newest sample had been taken in, without a sample's noise. */
  readonly uncertainty: number
  snapshot(): LogFilterSnapshot | undefined
  /** Continues from a snapshot, made at least `extraVariance` less certain. A snapshot that makes no sense is ignored. */
  restore(snapshot: unknown, nowMs: number, extraVariance: number): boolean
}

/** Ages count up to this: beyond it nothing is known that the cap on the variance does not say. */
const maxAgeSeconds = 120

/** This many samples in a row, on the same side and further off than chance allows, are a change and no accident. */
const surprisesForChange = 3

/** How fast learned noise follows the residuals. */
const noiseGain = 0.15
const maxNoise = 1

const finite = v.pipe(v.number(), v.finite())
const snapshotSchema = v.object({
  mu: finite,
  variance: v.pipe(finite, v.minValue(0)),
  noise: v.pipe(finite, v.minValue(0)),
  samples: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  observedAtMs: finite,
  usual: v.optional(finite),
})

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value))

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
  let samples = 0
  let observedAtMs: number | undefined
  let surprises = 0

  const agedVariance = (nowMs: number) => {
    // A clock that jumped back, or is none, adds no age.
    const age = observedAtMs === undefined ? 0 : (nowMs - observedAtMs) / 1000
    return Math.min(maxVariance, variance + driftPerSecond * (age > 0 ? Math.min(age, maxAgeSeconds) : 0))
  }

  return {
    observe(value, nowMs, weight = 1) {
      if (!(value > 0 && value < Number.POSITIVE_INFINITY && weight > 0)) return false
      // A weight next to nothing would make the noise infinite and the variance no number.
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
        // Only the part of the residual that the estimate's own uncertainty does not explain is the sample's noise.
        const noiseSeen = taken ** 2 * (noise / (prior + noise))
        noise = clamp(noise + noiseGain * share * (noiseSeen - noise), leastNoise, maxNoise)
      }
      // An average at first, so that it does not hang on what the first few happened to be.
      usual += share * Math.max(usualGain, 1 / (samples + 1)) * (toMu(value) - usual)
      samples += 1
      if (Number.isFinite(nowMs)) observedAtMs = nowMs
      return true
    },
    estimate: (nowMs) => ({ mu, variance: agedVariance(nowMs) + noise }),
    widen(atLeast) {
      if (atLeast > variance) variance = Math.min(maxVariance, atLeast)
    },
    setPrior(median, priorVariance) {
      if (samples > 0 || !(median > 0 && median < Number.POSITIVE_INFINITY && priorVariance >= 0)) return
      mu = toMu(median)
      usual = mu
      variance = Math.min(maxVariance, priorVariance)
    },
    get usual() {
      return Math.exp(usual)
    },
    get samples() {
      return samples
    },
    get observedAtMs() {
      return observedAtMs
    },
    get uncertainty() {
      return variance
    },
    snapshot: () => (observedAtMs === undefined ? undefined : { mu, variance, noise, samples, observedAtMs, usual }),
    restore(snapshot, nowMs, extraVariance) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success || !Number.isFinite(nowMs)) return false
      mu = clamp(parsed.output.mu, Math.log(least), Math.log(most))
      usual = clamp(parsed.output.usual ?? mu, Math.log(least), Math.log(most))
      variance = Math.min(maxVariance, parsed.output.variance + extraVariance)
      noise = learnsNoise ? clamp(parsed.output.noise, leastNoise, maxNoise) : options.noise
      samples = parsed.output.samples
      // Written by a clock that was ahead, a snapshot would otherwise never grow old.
      observedAtMs = Math.min(parsed.output.observedAtMs, nowMs)
      surprises = 0
      return true
    },
  }
}
