/** Slope of the line through equally spaced samples, per sample, that is least off in squares. */
export function slopePer(samples: readonly number[]): number {
  const middle = (samples.length - 1) / 2
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length
  const across = samples.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0)
  return across / samples.reduce((sum, _, index) => sum + (index - middle) ** 2, 0)
}
