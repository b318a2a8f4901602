import * as v from 'valibot'
import { object } from '../../../contracts/object-schemas.ts'
import { clamp } from '../../../utils/clamp.ts'
import type { LogNormal } from '../../../utils/log-normal.ts'
import { createSampleClock, sampleClockEntries } from '../../../utils/sample-clock.ts'

export interface RateLineOptions {
  /** Assumed of r₀: its median, and the variance of its logarithm. */
  readonly level: { readonly median: number; readonly variance: number }
  /** The same of κ. */
  readonly slope: { readonly median: number; readonly variance: number }
  /** Variance of a sample's logarithm around the line: where it starts, and the least that it is learned down to. */
  readonly noise: number
  readonly leastNoise: number
  /** Variance that the level gains with each second without a sample. */
  readonly driftPerSecond: number
}

/** A rate that grows with a size x along a line: r(x) = r₀ · (1 + κ·x). */
export interface RateLine {
  /** Takes a sample at `x` in; `weight` in (0, 1] says how much of it is about the line. Returns whether it was used. */
  observe(rate: number, x: number, nowMs: number, weight?: number): boolean
  /** Prediction of the next sample at `x`. Its variance grows with the age of the newest sample. */
  estimate(x: number, nowMs: number): LogNormal
  /** Replaces what is assumed of r₀; ignored after the first sample. */
  assume(median: number): void
  readonly samples: number
  /** Long-term median at `x`: what it takes when nothing is the matter. */
  usual(x: number): number
  /** Milliseconds since the newest sample; infinite before the first. */
  ageMs(nowMs: number): number
  snapshot(): unknown
  /** Continues from a snapshot, less certain by `extraVariance`. Returns false for an invalid one. */
  restore(snapshot: unknown, nowMs: number, extraVariance: number): boolean
}

const [leastLog, mostLog] = [Math.log(1e-4), Math.log(1e7)]
const [leastSlope, mostSlope] = [Math.log(1e-7), Math.log(1)]
const maxVariance = 2
/** Older samples add no more variance. */
const maxAgeSeconds = 180
/** The level's variance stays above this share of the noise, so that a new sample counts for a quarter at least. */
const leastShare = 1 / 3
const residualLimit = 1.2
const surprisesForChange = 3
const noiseGain = 0.12
/** Weight of a sample in the long-term level, once there are many. */
const usualGain = 0.03
const mostNoise = 1

const finite = v.pipe(v.number(), v.finite())
const positive = v.pipe(finite, v.minValue(0))
const snapshotSchema = object({
  level: finite,
  slope: finite,
  usual: finite,
  levelVariance: positive,
  covariance: finite,
  slopeVariance: positive,
  noise: positive,
  ...sampleClockEntries,
})

/**
 * Learns a rate and how it grows, from noisy samples at different sizes: an extended Kalman filter (Kalman 1960; Jazwinski
 * 1970, "Stochastic processes and filtering theory") on μ = log r₀ and λ = log κ with the measurement
 *
 *     log r(x) = μ + log(1 + e^λ · x) + ε
 *
 * Both parameters stay positive by themselves. The level drifts (heat, other work, a server's load), the slope does not:
 * it belongs to the model and the hardware. The residuals' variance is learned; no residual counts for more than ±1.2,
 * but three large ones in a row on one side are a new level.
 */
export function createRateLine(options: RateLineOptions): RateLine {
  let level = Math.log(options.level.median)
  let slope = Math.log(options.slope.median)
  let levelVariance = options.level.variance
  let covariance = 0
  let slopeVariance = options.slope.variance
  let noise = options.noise
  let surprises = 0
  let usual = level
  const clock = createSampleClock(maxAgeSeconds)

  const agedVariance = (nowMs: number) =>
    Math.min(maxVariance, levelVariance + options.driftPerSecond * clock.ageSeconds(nowMs))
  const sizeOf = (x: number) => Math.exp(slope) * (x > 0 ? Math.min(x, 1e9) : 0)
  /** Share of r(x) that comes from the slope: the derivative of log r(x) by λ. */
  const leverOf = (x: number) => sizeOf(x) / (1 + sizeOf(x))
  const centreOf = (x: number) => level + Math.log1p(sizeOf(x))

  return {
    observe(rate, x, nowMs, weight = 1) {
      if (!(rate > 0 && rate < Number.POSITIVE_INFINITY && x >= 0 && weight > 0)) return false
      const share = clamp(weight, 1e-3, 1)
      const sampleNoise = noise / share
      const lever = leverOf(x)
      const residual = clamp(Math.log(rate), leastLog, mostLog) - centreOf(x)
      let own = Math.max(agedVariance(nowMs), leastShare * noise)

      const spread = own + 2 * lever * covariance + lever ** 2 * slopeVariance
      const side = Math.sign(residual)
      if (!(Math.abs(residual) > 2 * Math.sqrt(spread + noise))) surprises = 0
      else surprises = Math.sign(surprises) === side ? surprises + side : side
      const isChange = Math.abs(surprises) >= surprisesForChange
      if (isChange) own = Math.min(maxVariance, Math.max(own, residual ** 2))

      const total = own + 2 * lever * covariance + lever ** 2 * slopeVariance + (isChange ? noise : sampleNoise)
      const limit = Math.max(residualLimit, 3 * Math.sqrt(total))
      const taken = clamp(residual, -limit, limit)
      const gain = (own + lever * covariance) / total
      const slopeGain = (covariance + lever * slopeVariance) / total
      level = clamp(level + gain * taken, leastLog, mostLog)
      slope = clamp(slope + slopeGain * taken, leastSlope, mostSlope)
      const [p, q, r] = [own, covariance, slopeVariance]
      levelVariance = clamp(p - gain * (p + lever * q), 0, maxVariance)
      slopeVariance = Math.max(1e-5, r - slopeGain * (q + lever * r))
      const bound = Math.sqrt(levelVariance * slopeVariance)
      covariance = clamp(q - gain * (q + lever * r), -bound, bound)

      const noiseSeen = taken ** 2 * (noise / (spread + noise))
      noise = clamp(noise + noiseGain * share * (noiseSeen - noise), options.leastNoise, mostNoise)
      // A plain average at first, so that the first few samples do not dominate.
      usual += share * Math.max(usualGain, 1 / (clock.samples + 1)) * (level - usual)
      clock.observe(nowMs)
      return true
    },
    estimate(x, nowMs) {
      const lever = leverOf(x)
      const spread = agedVariance(nowMs) + 2 * lever * covariance + lever ** 2 * slopeVariance
      return { mu: centreOf(x), variance: clamp(spread, 0, maxVariance) + noise }
    },
    assume(median) {
      if (clock.samples > 0 || !(median > 0 && median < Number.POSITIVE_INFINITY)) return
      level = clamp(Math.log(median), leastLog, mostLog)
      usual = level
      levelVariance = Math.min(levelVariance, options.level.variance / 4)
    },
    get samples() {
      return clock.samples
    },
    usual: (x) => Math.exp(usual + Math.log1p(sizeOf(x))),
    ageMs: (nowMs) => (clock.observedAtMs === undefined ? Number.POSITIVE_INFINITY : nowMs - clock.observedAtMs),
    snapshot() {
      const { samples, observedAtMs } = clock
      if (observedAtMs === undefined) return undefined
      return { level, slope, usual, levelVariance, covariance, slopeVariance, noise, samples, observedAtMs }
    },
    restore(stored, nowMs, extraVariance) {
      const parsed = v.safeParse(snapshotSchema, stored)
      if (!parsed.success || !Number.isFinite(nowMs)) return false
      const { output } = parsed
      level = clamp(output.level, leastLog, mostLog)
      slope = clamp(output.slope, leastSlope, mostSlope)
      usual = clamp(output.usual, leastLog, mostLog)
      levelVariance = Math.min(maxVariance, output.levelVariance + extraVariance)
      slopeVariance = clamp(output.slopeVariance, 1e-5, maxVariance)
      const bound = Math.sqrt(levelVariance * slopeVariance)
      covariance = clamp(output.covariance, -bound, bound)
      noise = clamp(output.noise, options.leastNoise, mostNoise)
      surprises = 0
      clock.restore(output, nowMs)
      return true
    },
  }
}
