import type { LogNormal } from '../utils/log-normal.ts'

const rounds = 8
const bisections = 40

/**
 * Splits a measured time into the parts that it consists of, as their predictions make it most likely: a part that
 * was uncertain and large takes most of what the prediction missed. Each part stays positive, and together they are
 * `totalMs` again.
 *
 * The most likely log-deviations x of parts p with variances P under Σ pᵢ·exp(xᵢ) = total obey xᵢ = λ·Pᵢ·hᵢ, where hᵢ
 * is the part's share at the solution. The shares are found by damped repetition, λ by bisection.
 *
 * @param totalMs milliseconds, positive and finite
 * @param predicted the parts, as times in milliseconds; at least one
 */
export function splitNetworkTime(totalMs: number, predicted: readonly LogNormal[]): number[] {
  const medians = predicted.map(({ mu }) => Math.exp(mu))
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  let shares = medians.map((ms) => ms / sum(medians))
  let parts = medians
  for (let round = 0; round < rounds; round += 1) {
    const slopes = predicted.map(({ variance }, index) => Math.max(variance, 1e-3) * (shares[index] ?? 0))
    const steepest = Math.max(...slopes)
    const at = (lambda: number) => medians.map((ms, index) => ms * Math.exp((lambda * (slopes[index] ?? 0)) / steepest))
    let [low, high] = [-40, 40]
    for (let step = 0; step < bisections; step += 1) {
      const middle = (low + high) / 2
      if (sum(at(middle)) < totalMs) low = middle
      else high = middle
    }
    parts = at((low + high) / 2)
    const found = sum(parts)
    shares = shares.map((share, index) => (share + (parts[index] ?? 0) / found) / 2)
  }
  // Bisection ends near the total; the rest goes to all alike.
  const scale = totalMs / sum(parts)
  return parts.map((ms) => ms * scale)
}
