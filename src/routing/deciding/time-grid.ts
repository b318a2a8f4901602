import type { Forecast } from '../../utils/forecast.ts'
import type { LogNormal } from '../../utils/log-normal.ts'

/** A distribution of times as points in ascending order, with their weights. */
export interface TimeGrid {
  readonly times: Float64Array
  readonly weights: Float64Array
  count: number
}

/** Points of a standard normal at equal distances, weighed by its density. */
const pointsOf = (from: number, to: number, count: number) => {
  const zs = Array.from({ length: count }, (_, index) => from + ((to - from) * index) / (count - 1))
  const density = zs.map((z) => Math.exp((-z * z) / 2))
  const whole = density.reduce((sum, each) => sum + each, 0)
  return { zs, weights: density.map((value) => value / whole) }
}
/** From below the median, where plans differ, far into the slow tail; fewer points for a forecast's second part. */
const fine = pointsOf(-2.1, 3.5, 15)
const coarse = pointsOf(-2, 3.25, 9)
/** Outliers take this many times the median; how their chance is shared out. */
const outliers: readonly number[] = [2.5, 6, 16]
const outlierWeights: readonly number[] = [0.5, 0.3, 0.2]
const mostPoints = fine.zs.length + coarse.zs.length + outliers.length

export const createTimeGrid = (): TimeGrid => ({
  times: new Float64Array(mostPoints),
  weights: new Float64Array(mostPoints),
  count: 0,
})

/** Insertion sort: the points come nearly in order. */
function insert(grid: TimeGrid, time: number, weight: number): void {
  const { times, weights } = grid
  let at = grid.count
  while (at > 0 && (times[at - 1] ?? 0) > time) {
    times[at] = times[at - 1] ?? 0
    weights[at] = weights[at - 1] ?? 0
    at -= 1
  }
  times[at] = time
  weights[at] = weight
  grid.count += 1
}

/** Adds a log-normal's points, which together weigh `share`. */
function insertNormal(
  grid: TimeGrid,
  { mu, variance }: LogNormal,
  { zs, weights }: { readonly zs: readonly number[]; readonly weights: readonly number[] },
  share: number,
): void {
  const sd = Math.sqrt(variance)
  for (let i = 0; i < zs.length; i += 1) insert(grid, Math.exp(mu + sd * (zs[i] ?? 0)), share * (weights[i] ?? 0))
}

/** @param outlier the chance of a run that takes many times the median, whatever the forecast says */
export function fillTimeGrid(grid: TimeGrid, time: Forecast, outlier: number): void {
  const { otherwise } = time
  const chance = (1 - outlier) * (otherwise?.chance ?? 0)
  grid.count = 0
  insertNormal(grid, time, fine, 1 - outlier - chance)
  if (otherwise !== undefined && chance > 0) insertNormal(grid, otherwise.value, coarse, chance)
  if (outlier > 0)
    for (let i = 0; i < outliers.length; i += 1)
      insert(grid, Math.exp(time.mu) * (outliers[i] ?? 1), outlier * (outlierWeights[i] ?? 0))
}

export const longestOf = ({ times, count }: TimeGrid): number => times[count - 1] ?? 0

export function quantileOf(grid: TimeGrid, q: number): number {
  const { times, weights, count } = grid
  let sum = 0
  for (let i = 0; i < count; i += 1) {
    sum += weights[i] ?? 0
    if (sum >= q) return times[i] ?? 0
  }
  return longestOf(grid)
}
