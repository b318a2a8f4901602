import { type LogNormal, logNormal } from './log-normal.ts'

/** The standard normal's distribution function, to 8e-8 (Abramowitz and Stegun 1964, 26.2.17). */
export function normalCdf(x: number): number {
  if (Number.isNaN(x)) return Number.NaN
  const t = 1 / (1 + 0.2316419 * Math.abs(x))
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series
  return x < 0 ? tail : 1 - tail
}

/** Something that has taken far longer than expected is taken to last this share of its time so far again. */
const overdueShare = 0.5
/** Below this chance of lasting so long, the distribution's own tail says nothing any more. */
const leastChance = 1e-3
const leastVariance = 1e-4
const mostVariance = 1.5
const leastMs = 1

/**
 * What is left of a time, in milliseconds, when `elapsedMs` of it have passed: the log-normal with the mean and variance
 * of (T − e | T > e). Without any time passed it is the time itself.
 */
export function remainingTime(time: LogNormal, elapsedMs: number): LogNormal {
  if (!(elapsedMs > 0)) return time
  const sd = Math.sqrt(Math.max(time.variance, leastVariance))
  const z = (Math.log(elapsedMs) - time.mu) / sd
  const chance = 1 - normalCdf(z)
  const overdue = logNormal(Math.max(leastMs, overdueShare * elapsedMs), mostVariance / 2)
  if (!(chance > leastChance)) return overdue
  // Moments of a log-normal above a bound: E[Tᵏ | T > e] = exp(kμ + k²σ²/2) · Φ(kσ − z) / Φ(−z).
  const moment = (k: number) => (Math.exp(k * time.mu + (k * sd) ** 2 / 2) * normalCdf(k * sd - z)) / chance
  const mean = moment(1) - elapsedMs
  const square = moment(2) - 2 * elapsedMs * moment(1) + elapsedMs ** 2
  if (!(mean > leastMs && square > mean * mean)) return logNormal(leastMs, leastVariance)
  const variance = Math.min(mostVariance, Math.log(square / (mean * mean)))
  return { mu: Math.log(mean) - variance / 2, variance }
}
