import * as v from 'valibot'
import type { Forecast } from '../utils/forecast.ts'

/** Estimates the rate of a link that changes now and then. */
export interface RateFilter {
  /**
   * Takes a sample in; `weight` in (0, 1] says how much of the time measured was the transfer. Anything that is no
   * positive finite number is ignored. Returns whether the sample was taken.
   */
  observe(bitsPerSecond: number, nowMs: number, weight?: number): boolean
  /** What the next request will find: the link as it was last, or, with a chance that grows with age, as it usually is. */
  estimate(nowMs: number): Forecast
  /** The device may be on another network: what was measured may no longer hold. */
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
/** The chance that the link is another right after a sample, and the time over which it becomes one, in seconds. */
const leastChance = 0.06
const mostChance = 0.9
const memorySeconds = 40
/** The least that a sample moves the last rate, what is usual, and the spread of that. */
const leastGain = 0.4
const usualGain = 0.12
const [leastSpread, mostSpread] = [0.08, 3]
/** How fast a session learns that its link changes more or less often. */
const biasGain = 0.5
const mostBias = 3
const [leastLog, mostLog] = [Math.log(1e3), Math.log(1e11)]

const finite = v.pipe(v.number(), v.finite())
const positive = v.pipe(finite, v.minValue(0))
const snapshotSchema = v.object({
  mu: finite,
  variance: positive,
  usual: finite,
  spread: positive,
  bias: finite,
  samples: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  observedAtMs: finite,
})

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value))
const density = (x: number, variance: number) => Math.exp((-x * x) / (2 * variance)) / Math.sqrt(variance)

/**
 * A link mostly stays as it was, and now and then is another at once: walking, hand-overs, outages. So a rate is not
 * a random walk but a mixture of two log-normals: near the last sample (a scalar Kalman filter), or drawn anew from
 * what this link has been over time. The chance of the second grows with age, faster where this link has proved to
 * change often (the mixture's responsibilities, as in Dempster, Laird and Rubin 1977, taken one sample at a time).
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
  let samples = 0
  let observedAtMs: number | undefined

  const ageSeconds = (nowMs: number) => {
    // A clock that jumped back, or is none, adds no age.
    const age = observedAtMs === undefined ? 0 : (nowMs - observedAtMs) / 1000
    return age > 0 ? Math.min(age, 3600) : 0
  }
  const chanceAt = (age: number) => {
    if (samples === 0) return 0
    const before = (1 - leastChance) * Math.exp(-age / memorySeconds)
    const odds = ((1 - before) / Math.max(before, 1e-9)) * Math.exp(bias)
    return Math.min(mostChance, odds / (1 + odds))
  }
  const varianceAt = (age: number) => Math.min(mostVariance, variance + driftPerSecond * Math.min(age, 120))

  /** Weighs what the sample says of a change, and learns what is usual on this link. Returns the change's share. */
  const learnUsual = (x: number, age: number, prior: number, sampleNoise: number, share: number) => {
    const chance = chanceAt(age)
    const off = x - usual
    const asBefore = (1 - chance) * density(x - mu, prior + sampleNoise)
    const changed = chance * density(off, spread + sampleNoise)
    // Too far from both for their densities to tell: it is no longer as before.
    const jumped = asBefore + changed > 1e-200 ? changed / (asBefore + changed) : 1
    bias = clamp(bias + biasGain * share * (jumped - chance), -mostBias, mostBias)
    usual += share * Math.max(usualGain, 1 / (samples + 2)) * off
    const spreadGain = share * Math.max(usualGain, 1 / (samples + 3))
    spread = clamp(spread + spreadGain * (off * off - spread), leastSpread, mostSpread)
    return { jumped, wide: Math.max(spread, off * off) }
  }

  return {
    observe(bitsPerSecond, nowMs, weight = 1) {
      if (!(bitsPerSecond > 0 && bitsPerSecond < Number.POSITIVE_INFINITY && weight > 0)) return false
      const share = clamp(weight, 1e-6, 1)
      const x = clamp(Math.log(bitsPerSecond), leastLog, mostLog)
      const sampleNoise = noise / share
      const age = ageSeconds(nowMs)
      const prior = varianceAt(age)
      const near = prior / (prior + sampleNoise)
      let gain = near
      if (samples > 0) {
        const { jumped, wide } = learnUsual(x, age, prior, sampleNoise, share)
        gain = Math.max(leastGain * share, (1 - jumped) * near + jumped * (wide / (wide + sampleNoise)))
      }
      mu += gain * (x - mu)
      if (samples === 0) usual = mu
      variance = Math.min(mostVariance, (1 - gain) ** 2 * prior + gain ** 2 * sampleNoise)
      samples += 1
      if (Number.isFinite(nowMs)) observedAtMs = nowMs
      return true
    },
    estimate(nowMs) {
      const age = ageSeconds(nowMs)
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
      return samples
    },
    get observedAtMs() {
      return observedAtMs
    },
    get uncertainty() {
      return variance
    },
    snapshot: () =>
      observedAtMs === undefined ? undefined : { mu, variance, usual, spread, bias, samples, observedAtMs },
    restore(snapshot, nowMs, extraVariance) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success || !Number.isFinite(nowMs)) return false
      const { output } = parsed
      mu = clamp(output.mu, leastLog, mostLog)
      usual = clamp(output.usual, leastLog, mostLog)
      variance = Math.min(mostVariance, output.variance + extraVariance)
      spread = clamp(output.spread, leastSpread, mostSpread)
      bias = clamp(output.bias, -mostBias, mostBias)
      samples = output.samples
      // Written by a clock that was ahead, a snapshot would otherwise never grow old.
      observedAtMs = Math.min(output.observedAtMs, nowMs)
      return true
    },
  }
}
