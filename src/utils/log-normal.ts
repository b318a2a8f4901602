/**
 * A positive quantity whose logarithm is normal: a time in milliseconds, a rate in bits per second. `mu` is the
 * mean of its logarithm, `variance` the logarithm's variance.
 */
export interface LogNormal {
  readonly mu: number
  readonly variance: number
}

/** The standard normal's 90th percentile. */
export const z90 = 1.2815515655446004
/** Its 95th. */
const z95 = 1.6448536269514722

export const meanOf = ({ mu, variance }: LogNormal): number => Math.exp(mu + variance / 2)

export const p90Of = ({ mu, variance }: LogNormal): number => Math.exp(mu + z90 * Math.sqrt(variance))

/** Where the middle nine in ten lie. */
export const middleOf = ({ mu, variance }: LogNormal): readonly [from: number, to: number] => {
  const reach = z95 * Math.sqrt(variance)
  return [Math.exp(mu - reach), Math.exp(mu + reach)]
}

/** A log-normal with this median and variance of the logarithm. */
export const logNormal = (median: number, variance: number): LogNormal => ({ mu: Math.log(median), variance })

/** `factor / x` for a log-normal `x`: bits over a rate is a time. */
export const divide = (factor: number, x: LogNormal): LogNormal => ({
  mu: Math.log(factor) - x.mu,
  variance: x.variance,
})

/**
 * The log-normal with the mean and variance of a sum of independent log-normals (Fenton 1960, "The sum of
 * log-normal probability distributions in scatter transmission systems").
 */
export function sumOf(parts: readonly LogNormal[]): LogNormal {
  let mean = 0
  let variance = 0
  for (const part of parts) {
    const partMean = meanOf(part)
    mean += partMean
    variance += partMean * partMean * Math.expm1(part.variance)
  }
  const logVariance = Math.log1p(variance / (mean * mean))
  return { mu: Math.log(mean) - logVariance / 2, variance: logVariance }
}
