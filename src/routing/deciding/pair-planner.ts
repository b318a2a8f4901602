import type { Forecast } from '../../utils/forecast.ts'
import { createTimeGrid, fillTimeGrid, longestOf, quantileOf, type TimeGrid } from './time-grid.ts'

/** Costs of runs on one arm beside their time, in milliseconds. */
export interface ArmCosts {
  /** Charged for every run that is started on the arm. Default 0. */
  readonly extraMs?: number
  /** Charged where the arm's answer is the one that counts. Default 0. */
  readonly answeredMs?: number
  /** Charged for a run on the arm whose answer is not used. */
  readonly wastedMs: number
  /** Charged for each millisecond of such a run, up to `wastedMs`. Default: all of it at once. */
  readonly wastedPerMs?: number
  /** Whether the arm may run second, after the other one has started. */
  readonly mayFollow: boolean
  /** The chance that a run takes many times as long as any history predicts. */
  readonly outlier: number
}

export interface PairCosts {
  readonly first: ArmCosts
  readonly other: ArmCosts
  /** Extra weight of each millisecond beyond the smaller of the two arms' 97th percentiles. */
  readonly tailWeight: number
  /** Milliseconds until an answer is late (infinite: never), and the cost of a late one. */
  readonly deadlineMs: number
  readonly lateMs: number
  /**
   * An arm whose median is this many times the other's 97th percentile only follows a run that is slower than anything that
   * was predicted. Default: it may follow any.
   */
  readonly hopeless?: number
}

/** One way to run a request on two arms, `first` and `other`: which starts, and when the second one does. */
export interface PairPlan {
  /** True: `first` starts. */
  firstStarts: boolean
  /** Milliseconds until the second run starts, too; infinite: never. */
  afterMs: number
  /** Expected cost in milliseconds: time, extra costs, and wasted runs. */
  cost: number
  /** Expected cost of the same arm without a second run. */
  costAlone: number
}

/** A second run waits this much longer than a point of the grid, so that a run as slow as predicted is not hedged. */
const justAfter = 1.02
const tailQuantile = 0.97
const never = Number.POSITIVE_INFINITY

interface Side extends Required<ArmCosts> {
  readonly grid: TimeGrid
}
const toSide = (costs: ArmCosts, grid: TimeGrid): Side => ({
  ...{ extraMs: 0, answeredMs: 0, wastedPerMs: never },
  ...costs,
  grid,
})
/** @param ms above 0 */
const wasteOf = ({ wastedMs, wastedPerMs }: Side, ms: number) => Math.min(wastedMs, wastedPerMs * ms)

/**
 * The cheapest way to run a request on two arms with independent forecasts: one of them alone, or one and, unless it has
 * answered by then, the other one, too (Dean and Barroso 2013, "The tail at scale"). The delay is not a fixed percentile but
 * the point that minimises the expected cost, a sum over the grids of both times: with A the time of the arm that starts, B
 * that of the other and d the delay,
 *
 *     E[cost] = extraA + Σ P(A, B) · { c(A) + answeredA                                 while A ≤ d
 *                                    { extraB + c(d + B) + answeredB + wastedA(d + B)   if d + B < A
 *                                    { extraB + c(A) + answeredA + wastedB(A − d)       otherwise
 *     c(t)    = t + late · [t > deadline] + tailWeight · max(0, t − min(p97 A, p97 B))
 *
 * Where the waste depends on when the run ends, an endpoint is paid for a whole prompt at once, and a device has read what it
 * has read (for first tokens DiSCo, arXiv 2502.11417, with a fixed quantile).
 *
 * When no second run pays, the other arm still follows a run that takes longer than the whole grid, if it may.
 *
 * @returns a function that reuses its buffers, and returns one object that it overwrites at each call
 */
export function createPairPlanner(): (first: Forecast, other: Forecast, costs: PairCosts) => PairPlan {
  const gridA = createTimeGrid()
  const gridB = createTimeGrid()
  const best: PairPlan = { firstStarts: true, afterMs: never, cost: 0, costAlone: 0 }
  let terms: Omit<PairCosts, 'first' | 'other'> = { deadlineMs: never, lateMs: 0, tailWeight: 0 }
  let tailMs = never

  const costAt = (ms: number) => {
    const { deadlineMs, lateMs, tailWeight } = terms
    return ms + (ms > deadlineMs ? lateMs : 0) + (ms > tailMs ? tailWeight * (ms - tailMs) : 0)
  }

  /** Expected cost when `a` starts and `b` follows after `afterMs`: one pass, as both grids are sorted. */
  const costOf = (a: Side, b: Side, afterMs: number) => {
    const { times, weights, count } = b.grid
    let sum = 0
    let j = 0
    let before = 0
    let weightBefore = 0
    for (let i = 0; i < a.grid.count; i += 1) {
      const timeA = a.grid.times[i] ?? 0
      const weightA = a.grid.weights[i] ?? 0
      const cost = costAt(timeA) + a.answeredMs
      if (timeA <= afterMs) {
        sum += weightA * cost
        continue
      }
      for (; j < count; j += 1) {
        const answeredMs = afterMs + (times[j] ?? 0)
        if (answeredMs >= timeA) break
        const weightB = weights[j] ?? 0
        before += weightB * (costAt(answeredMs) + b.answeredMs + wasteOf(a, answeredMs))
        weightBefore += weightB
      }
      const otherwise = Math.max(0, 1 - weightBefore) * (cost + wasteOf(b, timeA - afterMs))
      sum += weightA * (b.extraMs + before + otherwise)
    }
    return a.extraMs + sum
  }

  const take = (firstStarts: boolean, afterMs: number, cost: number) => {
    if (cost >= best.cost) return false
    best.firstStarts = firstStarts
    best.afterMs = afterMs
    best.cost = cost
    return true
  }

  /** Takes the best plan in which `a` starts, if it is cheaper than those before. Returns the cost of `a` alone. */
  const tryStart = (firstStarts: boolean, a: Side, b: Side) => {
    const costAlone = costOf(a, b, never)
    take(firstStarts, never, costAlone)
    // It would wear the battery or the purse at every request, for what next to never happens.
    const isHopeless = quantileOf(b.grid, 0.5) > (terms.hopeless ?? never) * quantileOf(a.grid, tailQuantile)
    if (!b.mayFollow || isHopeless) return costAlone
    const tryAfter = (afterMs: number) => take(firstStarts, afterMs, costOf(a, b, afterMs))
    const afterPoint = (i: number) => (a.grid.times[i] ?? 0) * justAfter
    tryAfter(0)
    // Every other point, then the neighbours of the best.
    let bestPoint = -1
    for (let i = 0; i < a.grid.count; i += 2) if (tryAfter(afterPoint(i))) bestPoint = i
    if (bestPoint > 0) tryAfter(afterPoint(bestPoint - 1))
    if (bestPoint >= 0 && bestPoint + 1 < a.grid.count) tryAfter(afterPoint(bestPoint + 1))
    return costAlone
  }

  return (first, other, costs) => {
    const a = toSide(costs.first, gridA)
    const b = toSide(costs.other, gridB)
    fillTimeGrid(gridA, first, costs.first.outlier)
    fillTimeGrid(gridB, other, costs.other.outlier)
    terms = costs
    tailMs = Math.min(quantileOf(gridA, tailQuantile), quantileOf(gridB, tailQuantile))
    best.cost = never
    best.firstStarts = true
    best.afterMs = never
    const firstAlone = tryStart(true, a, b)
    const otherAlone = tryStart(false, b, a)
    const [starts, follows] = best.firstStarts ? [a, b] : [b, a]
    best.costAlone = best.firstStarts ? firstAlone : otherAlone
    if (best.afterMs === never && follows.mayFollow) best.afterMs = justAfter * longestOf(starts.grid)
    return best
  }
}
