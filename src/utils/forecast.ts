import { type LogNormal, z90 } from './log-normal.ts'
import { normalShareBelow } from './normal-share.ts'

/** A positive quantity as a mixture of two log-normals: as last measured, or, if that has changed since, `otherwise`. */
export interface Forecast extends LogNormal {
  readonly otherwise?: { readonly chance: number; readonly value: LogNormal } | undefined
}

export function meanOfForecast({ mu, variance, otherwise }: Forecast): number {
  const mean = Math.exp(mu + variance / 2)
  if (otherwise === undefined) return mean
  const { chance, value } = otherwise
  return (1 - chance) * mean + chance * Math.exp(value.mu + value.variance / 2)
}

/** The 90th percentile. A mixture's lies between those of its parts, and is found by bisection. */
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
      (1 - chance) * normalShareBelow((middle - mu) / (sd + 1e-9)) +
      chance * normalShareBelow((middle - value.mu) / (otherSd + 1e-9))
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
