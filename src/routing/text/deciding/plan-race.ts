import type { Forecast } from '../../../utils/forecast.ts'
import { createTimeGrid, fillTimeGrid, longestOf, quantileOf, type TimeGrid } from '../../deciding/time-grid.ts'

/** What is known of one arm in a race for the first token. */
export interface RaceArm {
  /** Milliseconds from its start to its first token. */
  readonly firstToken: Forecast
  /** The chance that it takes many times as long as any history predicts. */
  readonly outlier: number
  /** Charged where this arm's first token counts: what the rest of its answer costs the reader, in milliseconds. */
  readonly restMs: number
  /** Price of its tokens where the other arm's first token comes first: `fixed` at once, `perMs` as it reads, `most` in all. */
  readonly wasted: { readonly fixed: number; readonly perMs: number; readonly most: number }
  /** Whether it may be the second to start. */
  readonly mayFollow: boolean
}

export interface RaceTerms {
  /** Extra weight of each millisecond beyond the smaller of the two arms' 97th percentiles. */
  readonly tailWeight: number
  /** Milliseconds until a first token is late (infinite: never), and the cost of a late one. */
  readonly deadlineMs: number
  readonly lateMs: number
}

export interface RacePlan {
  /** True: `first` starts. */
  firstStarts: boolean
  /** Milliseconds until the other one starts, too; infinite: never. */
  afterMs: number
  /** Expected cost in milliseconds. */
  cost: number
}

/** A second run waits this much longer than a point of the grid, so that a run as slow as predicted is not raced. */
const justAfter = 1.02
const tailQuantile = 0.97
/** An arm whose median is this many times the other's 97th percentile is no part of a race. */
const hopeless = 6
const never = Number.POSITIVE_INFINITY

interface Side extends RaceArm {
  readonly grid: TimeGrid
}
const priceOf = ({ fixed, perMs, most }: RaceArm['wasted'], ms: number) => Math.min(most, fixed + perMs * ms)

/**
 * How to get the first token soonest from two arms with independent forecasts, at what a race is worth: one of them alone,
 * or one and, after a delay d without a token, the other one, too. With A the first token's time of the arm that starts
 * and B the other's,
 *
 *     E[cost] = Σ P(A, B) · { c(A) + restA                                  while A ≤ d
 *                           { c(d + B) + restB + wasteA(d + B)              if d + B < A
 *                           { c(A) + restA + wasteB(A − d)                  otherwise
 *     c(t)    = t + late · [t > deadline] + tailWeight · max(0, t − min(p97 A, p97 B))
 *
 * d is tried at 0 and just behind every point of A's grid: the second arm starts at that quantile of the first's time
 * which pays (Dean and Barroso 2013, "The tail at scale"; for first tokens DiSCo, arXiv 2502.11417, with a fixed
 * quantile). Unlike a whole request, the waste depends on when the race ends: an endpoint is paid for the whole
 * prompt at once, a device has read what it has read. An arm that next to never wins is not raced: it only follows a run
 * that is slower than its whole grid.
 *
 * @returns a function that reuses its buffers, and returns one object that it overwrites at each call
 */
export function createRacePlanner(): (first: RaceArm, other: RaceArm, terms: RaceTerms) => RacePlan {
  const gridA = createTimeGrid()
  const gridB = createTimeGrid()
  const best: RacePlan = { firstStarts: true, afterMs: never, cost: never }
  let terms: RaceTerms = { tailWeight: 0, deadlineMs: never, lateMs: 0 }
  let tailMs = never

  const costAt = (ms: number) =>
    ms + (ms > terms.deadlineMs ? terms.lateMs : 0) + (ms > tailMs ? terms.tailWeight * (ms - tailMs) : 0)

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
      const cost = costAt(timeA) + a.restMs
      if (timeA <= afterMs) {
        sum += weightA * cost
        continue
      }
      for (; j < count; j += 1) {
        const answeredMs = afterMs + (times[j] ?? 0)
        if (answeredMs >= timeA) break
        const weightB = weights[j] ?? 0
        before += weightB * (costAt(answeredMs) + b.restMs + priceOf(a.wasted, answeredMs))
        weightBefore += weightB
      }
      sum += weightA * (before + Math.max(0, 1 - weightBefore) * (cost + priceOf(b.wasted, timeA - afterMs)))
    }
    return sum
  }
  const take = (firstStarts: boolean, afterMs: number, cost: number) => {
    if (cost >= best.cost) return false
    best.firstStarts = firstStarts
    best.afterMs = afterMs
    best.cost = cost
    return true
  }
  const tryStart = (firstStarts: boolean, a: Side, b: Side) => {
    take(firstStarts, never, costOf(a, b, never))
    // It would wear the battery or the purse at every request, for what next to never happens.
    if (!b.mayFollow || quantileOf(b.grid, 0.5) > hopeless * quantileOf(a.grid, tailQuantile)) return
    take(firstStarts, 0, costOf(a, b, 0))
    const tryPoint = (i: number) => {
      const afterMs = (a.grid.times[i] ?? 0) * justAfter
      return take(firstStarts, afterMs, costOf(a, b, afterMs))
    }
    // Every other point, then the neighbours of the best.
    let bestPoint = -1
    for (let i = 0; i < a.grid.count; i += 2) if (tryPoint(i)) bestPoint = i
    if (bestPoint > 0) tryPoint(bestPoint - 1)
    if (bestPoint >= 0 && bestPoint + 1 < a.grid.count) tryPoint(bestPoint + 1)
  }

  return (first, other, given) => {
    const a: Side = { ...first, grid: gridA }
    const b: Side = { ...other, grid: gridB }
    fillTimeGrid(gridA, first.firstToken, first.outlier)
    fillTimeGrid(gridB, other.firstToken, other.outlier)
    terms = given
    tailMs = Math.min(quantileOf(gridA, tailQuantile), quantileOf(gridB, tailQuantile))
    best.cost = never
    best.afterMs = never
    best.firstStarts = true
    tryStart(true, a, b)
    tryStart(false, b, a)
    const [starts, follows] = best.firstStarts ? [a, b] : [b, a]
    // No race pays, but a first run slower than anything predicted says that its prediction is wrong.
    if (best.afterMs === never && follows.mayFollow) best.afterMs = justAfter * longestOf(starts.grid)
    return best
  }
}
