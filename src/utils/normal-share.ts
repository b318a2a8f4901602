/** The share of a standard normal below `z` (Abramowitz and Stegun 1964, 26.2.17). Absolute error below 1e-7. */
export function normalShareBelow(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z))
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  const tail = 0.3989422804 * Math.exp((-z * z) / 2) * series
  return z > 0 ? 1 - tail : tail
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
