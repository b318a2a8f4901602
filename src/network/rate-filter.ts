import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import { clamp } from '../utils/clamp.ts'
import type { Forecast } from '../utils/forecast.ts'
import { createSampleClock, sampleClockEntries } from '../utils/sample-clock.ts'

/** Estimates the rate of a link that changes now and then. */
export interface RateFilter {
  /**
   * Takes a sample in; `weight` in (0, 1] is the transfer's share of the measured time. Anything but a positive finite
   * number is ignored. Returns whether the sample was used.
   */
  observe(bitsPerSecond: number, nowMs: number, weight?: number): boolean
  /** Prediction for the next request: the last rate or, with a chance that grows with its age, the usual one. */
  estimate(nowMs: number): Forecast
  /** Raises the variance: on another network, earlier samples may no longer hold. */
  widen(variance: number): void
  readonly samples: number
  readonly observedAtMs: number | undefined
  readonly uncertainty: number
  snapshot(): unknown
  restore(snapshot: unknown, nowMs: number, extraVariance: number): boolean
}

/** Tuned on recordings with `npm run bench -- routing`. */
const noise = 0.03
const driftPerSecond = 0.002
const mostVariance = 1.2
/** The chance of a change right after a sample, its maximum, and the time constant with which it grows. */
const leastChance = 0.06
const mostChance = 0.9
const memorySeconds = 40
/** Least weight of a sample in the last rate, and in the usual rate and its spread. */
const leastGain = 0.4
const usualGain = 0.12
const [leastSpread, mostSpread] = [0.08, 3]
/** Learning rate of how often this link changes, as the logarithm of a factor on the odds. */
const biasGain = 0.5
const mostBias = 3
const [leastLog, mostLog] = [Math.log(1e3), Math.log(1e11)]

const finite = v.pipe(v.number(), v.finite())
const positive = v.pipe(finite, v.minValue(0))
const snapshotSchema = object({
  mu: finite,
  variance: positive,
  usual: finite,
  spread: positive,
  bias: finite,
  ...sampleClockEntries,
})

const density = (x: number, variance: number) => Math.exp((-x * x) / (2 * variance)) / Math.sqrt(variance)

/**
 * A link's rate is mostly stable and now and then changes at once: walking, hand-overs, outages. So it is modelled not
 * as a random walk but as a mixture of two log-normals: near the last sample (a scalar Kalman filter; Kalman 1960, "A
 * new approach to linear filtering and prediction problems"), or drawn anew from this link's long-term distribution.
 * The chance of the second grows with the last sample's age, faster on a link that changes often: its odds follow the
 * mixture's responsibilities (Dempster, Laird and Rubin 1977, "Maximum likelihood from incomplete data via the EM
 * algorithm"), one sample at a time.
 *
 * @param assumedBitsPerSecond the median before the first sample
 * @param assumedVariance of its logarithm
 */
export function createRateFilter(assumedBitsPerSecond: number, assumedVariance: number): RateFilter {
  let mu = Math.log(assumedBitsPerSecond)
  let variance = Math.min(mostVariance, assumedVariance)
  let usual = mu
  let spread = 1
  let bias = 0
  const clock = createSampleClock(3600)

  const chanceAt = (age: number) => {
    if (clock.samples === 0) return 0
    const before = (1 - leastChance) * Math.exp(-age / memorySeconds)
    const odds = ((1 - before) / Math.max(before, 1e-9)) * Math.exp(bias)
    return Math.min(mostChance, odds / (1 + odds))
  }
  const varianceAt = (age: number) => Math.min(mostVariance, variance + driftPerSecond * Math.min(age, 120))

  /** Learns the usual rate. `jumped` is the probability that the sample came after a change. */
  const learnUsual = (x: number, age: number, prior: number, sampleNoise: number, share: number) => {
    const chance = chanceAt(age)
    const off = x - usual
    const asBefore = (1 - chance) * density(x - mu, prior + sampleNoise)
    const changed = chance * density(off, spread + sampleNoise)
    // Both densities underflow: the sample is far from both parts, so the link has changed.
    const jumped = asBefore + changed > 1e-200 ? changed / (asBefore + changed) : 1
    bias = clamp(bias + biasGain * share * (jumped - chance), -mostBias, mostBias)
    usual += share * Math.max(usualGain, 1 / (clock.samples + 2)) * off
    const spreadGain = share * Math.max(usualGain, 1 / (clock.samples + 3))
    spread = clamp(spread + spreadGain * (off * off - spread), leastSpread, mostSpread)
    return { jumped, wide: Math.max(spread, off * off) }
  }

  return {
    observe(bitsPerSecond, nowMs, weight = 1) {
      if (!(bitsPerSecond > 0 && bitsPerSecond < Number.POSITIVE_INFINITY && weight > 0)) return false
      const share = clamp(weight, 1e-6, 1)
      const x = clamp(Math.log(bitsPerSecond), leastLog, mostLog)
      const sampleNoise = noise / share
      const age = clock.ageSeconds(nowMs)
      const prior = varianceAt(age)
      const near = prior / (prior + sampleNoise)
      let gain = near
      if (clock.samples > 0) {
        const { jumped, wide } = learnUsual(x, age, prior, sampleNoise, share)
        gain = Math.max(leastGain * share, (1 - jumped) * near + jumped * (wide / (wide + sampleNoise)))
      }
      mu += gain * (x - mu)
      if (clock.samples === 0) usual = mu
      variance = Math.min(mostVariance, (1 - gain) ** 2 * prior + gain ** 2 * sampleNoise)
      clock.observe(nowMs)
      return true
    },
    estimate(nowMs) {
      const age = clock.ageSeconds(nowMs)
      const asBefore = { mu, variance: varianceAt(age) + noise }
      const chance = chanceAt(age)
      return chance > 0
        ? { ...asBefore, otherwise: { chance, value: { mu: usual, variance: spread + noise } } }
        : asBefore
    },
    widen(atLeast) {
      if (!(atLeast > 0)) return
      variance = Math.min(mostVariance, Math.max(variance, atLeast))
      spread = Math.max(spread, Math.min(mostSpread, atLeast))
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
      return observedAtMs === undefined ? undefined : { mu, variance, usual, spread, bias, samples, observedAtMs }
    },
    restore(snapshot, nowMs, extraVariance) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success || !Number.isFinite(nowMs)) return false
      const { output } = parsed
      mu = clamp(output.mu, leastLog, mostLog)
      usual = clamp(output.usual, leastLog, mostLog)
      variance = Math.min(mostVariance, output.variance + extraVariance)
      spread = clamp(output.spread, leastSpread, mostSpread)
      bias = clamp(output.bias, -mostBias, mostBias)
      clock.restore(output, nowMs)
      return true
    },
  }
}
