/**
 * The share of a standard normal below `z`. Absolute error under 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26).
 */
export function normalShareBelow(z: number): number {
  const x = Math.abs(z) / Math.SQRT2
  const t = 1 / (1 + 0.3275911 * x)
  const series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  const tail = 0.5 * series * Math.exp(-x * x)
  return z < 0 ? tail : 1 - tail
}

/** The `z` below which the share `p` (0 to 1, both excluded) of a standard normal lies. Found by halving, to 1e-9. */
export function normalQuantile(p: number): number {
  let [low, high] = [-8, 8]
  while (high - low > 1e-9) {
    const middle = (low + high) / 2
    if (normalShareBelow(middle) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}
