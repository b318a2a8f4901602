/** The value below which the share `q` (0 to 1) of the samples lies, linearly interpolated. NaN without samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const low = sorted[Math.floor(at)]
  const high = sorted[Math.ceil(at)]
  return low === undefined || high === undefined ? Number.NaN : low + (high - low) * (at - Math.floor(at))
}

/** Median and quartiles of a series: what every bench prints of repeated timings. */
export interface Summary {
  readonly median: number
  readonly q1: number
  readonly q3: number
  readonly count: number
}

export const summarize = (samples: readonly number[]): Summary => ({
  median: quantile(samples, 0.5),
  q1: quantile(samples, 0.25),
  q3: quantile(samples, 0.75),
  count: samples.length,
})
