import type { LogNormal } from './log-normal.ts'

/**
 * A positive quantity that is a log-normal, or, should things have changed since it was measured, another one: a
 * mixture of two.
 */
export interface Forecast extends LogNormal {
  readonly otherwise?: { readonly chance: number; readonly value: LogNormal } | undefined
}

const z90 = 1.2815515655446004

/** The standard normal's distribution function (Abramowitz and Stegun 26.2.17; error below 1e-7). */
function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = 0.3989422804 * Math.exp((-z * z) / 2) * series
  return z > 0 ? 1 - tail : tail
}

export function meanOfForecast({ mu, variance, otherwise }: Forecast): number {
  const mean = Math.exp(mu + variance / 2)
  if (otherwise === undefined) return mean
  const { chance, value } = otherwise
  return (1 - chance) * mean + chance * Math.exp(value.mu + value.variance / 2)
}

/** The 90th percentile; that of a mixture lies between those of its parts and is found by bisection. */
export function p90OfForecast({ mu, variance, otherwise }: Forecast): number {
  const sd = Math.sqrt(variance)
  const alone = mu + z90 * sd
  if (otherwise === undefined || !(otherwise.chance > 0)) return Math.exp(alone)
  const { chance, value } = otherwise
  const otherSd = Math.sqrt(value.variance)
  const other = value.mu + z90 * otherSd
  let [low, high] = [Math.min(alone, other), Math.max(alone, other)]
  for (let step = 0; step < 20; step += 1) {
    const middle = (low + high) / 2
    const below =
      (1 - chance) * normalCdf((middle - mu) / (sd + 1e-9)) + chance * normalCdf((middle - value.mu) / (otherSd + 1e-9))
    if (below < 0.9) low = middle
    else high = middle
  }
  return Math.exp((low + high) / 2)
}

/** The log-normal whose logarithm has the mixture's mean and variance. */
export function asOneLogNormal({ mu, variance, otherwise }: Forecast): LogNormal {
  if (otherwise === undefined) return { mu, variance }
  const { chance, value } = otherwise
  const mean = mu + chance * (value.mu - mu)
  return {
    mu: mean,
    variance: (1 - chance) * (variance + (mu - mean) ** 2) + chance * (value.variance + (value.mu - mean) ** 2),
  }
}
