import { median } from '../../utils/median.ts'

/** Brightness of one pixel of a plane; `x` and `y` run from -1 to 1 across the picture. */
export interface LightSample {
  readonly x: number
  readonly y: number
  readonly value: number
}

export type LightSurface = (x: number, y: number) => number

const termsAt = (x: number, y: number): number[] => [1, x, y, x * x, x * y, y * y]

/** Solves the symmetric system by Gaussian elimination with pivoting; undefined when it is singular. */
function solve(matrix: number[][], right: number[]): number[] | undefined {
  const n = right.length
  const rows = matrix.map((row, i) => [...row, right[i] ?? 0])
  for (let column = 0; column < n; column += 1) {
    let pivot = column
    for (let i = column + 1; i < n; i += 1) {
      if (Math.abs(rows[i]?.[column] ?? 0) > Math.abs(rows[pivot]?.[column] ?? 0)) pivot = i
    }
    const top = rows[pivot]
    const value = top?.[column] ?? 0
    if (top === undefined || Math.abs(value) < 1e-9) return undefined
    rows[pivot] = rows[column] ?? top
    rows[column] = top
    for (let i = 0; i < n; i += 1) {
      const row = rows[i]
      if (i === column || row === undefined) continue
      const factor = (row[column] ?? 0) / value
      for (let k = column; k <= n; k += 1) row[k] = (row[k] ?? 0) - factor * (top[k] ?? 0)
    }
  }
  return rows.map((row, i) => (row[n] ?? 0) / (row[i] ?? 1))
}

function fitOnce(samples: readonly LightSample[]): LightSurface | undefined {
  const matrix = Array.from({ length: 6 }, () => new Array<number>(6).fill(0))
  const right = new Array<number>(6).fill(0)
  for (const { x, y, value } of samples) {
    const terms = termsAt(x, y)
    for (let i = 0; i < 6; i += 1) {
      const term = terms[i] ?? 0
      right[i] = (right[i] ?? 0) + term * value
      const row = matrix[i] ?? []
      for (let j = 0; j < 6; j += 1) row[j] = (row[j] ?? 0) + term * (terms[j] ?? 0)
    }
  }
  const weights = solve(matrix, right)
  if (weights === undefined) return undefined
  return (x, y) => termsAt(x, y).reduce((sum, term, i) => sum + term * (weights[i] ?? 0), 0)
}

/**
 * Least-squares quadratic surface through samples of brightness, fitted three times, each time without the samples
 * that lie far off the last fit: a stroke that crosses them does not bend it. Constant where too few are given.
 */
export function fitLightSurface(samples: readonly LightSample[]): LightSurface {
  const middle = median(samples.map(({ value }) => value))
  let kept = samples
  let surface: LightSurface = () => middle
  for (let round = 0; round < 3; round += 1) {
    const next = kept.length < 24 ? undefined : fitOnce(kept)
    if (next === undefined) return surface
    surface = next
    const limit = 1 + 3.7 * median(samples.map(({ x, y, value }) => Math.abs(value - next(x, y))))
    kept = samples.filter(({ x, y, value }) => Math.abs(value - next(x, y)) <= limit)
  }
  return surface
}
