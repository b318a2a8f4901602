import type { Forecast } from '../../utils/forecast.ts'

/** One way to run a request on two arms, `first` and `other`: which starts, and when the second one does. */
export interface PairPlan {
  /** True: `first` starts. */
  firstStarts: boolean
  /** Milliseconds until the second run, too, starts; infinite: never. */
  afterMs: number
  /** Expected cost in milliseconds: time, extra costs, and what is wasted. */
  cost: number
  /** Expected cost of the same arm alone. */
  costAlone: number
}

/** What runs cost beside their time, in milliseconds. */
export interface PairCosts {
  /** Charged for every run that is started on the arm. */
  readonly firstExtra: number
  readonly otherExtra: number
  /** Charged for a run whose answer is not the one that is used. */
  readonly wastedFirst: number
  readonly wastedOther: number
  /** Whether `other` may run second where `first` starts, and the other way round. */
  readonly mayFollowFirst: boolean
  readonly mayFollowOther: boolean
  /** When an answer is late (infinite: never), and what being late costs. */
  readonly deadlineMs: number
  readonly latePenalty: number
  /** What each millisecond beyond the safer arm's slow side costs more. */
  readonly harm: number
  /** The chance that the arm takes many times as long, whatever is known of it. */
  readonly disasterFirst: number
  readonly disasterOther: number
}

/** Nodes of a standard normal, and their weights: fine enough where costs are decided, and far into the slow side. */
const steps = (from: number, to: number, count: number) =>
  Array.from({ length: count }, (_, index) => from + ((to - from) * index) / (count - 1))
const nodes: readonly number[] = steps(-2.1, 3.5, 15)
const coarse: readonly number[] = steps(-2, 3.25, 9)
const weigh = (list: readonly number[]) => {
  const density = list.map((z) => Math.exp((-z * z) / 2))
  const whole = density.reduce((sum, each) => sum + each, 0)
  return density.map((value) => value / whole)
}
const nodeWeights = weigh(nodes)
const coarseWeights = weigh(coarse)
/** What no history foretells: an arm that takes this many times as long, and how the chance of it is shared out. */
const disasters: readonly number[] = [2.5, 6, 16]
const disasterWeights: readonly number[] = [0.5, 0.3, 0.2]
const most = nodes.length + coarse.length + disasters.length
/** Just after a time: a run that takes as long as predicted is not overtaken. */
const justAfter = 1.02
/** The share of an arm's times that lie below what is called its slow side. */
const slowSide = 0.97

/** A distribution as times in ascending order and their weights. */
interface Grid {
  readonly times: Float64Array
  readonly weights: Float64Array
  count: number
}
const createGrid = (): Grid => ({ times: new Float64Array(most), weights: new Float64Array(most), count: 0 })

/** Keeps the grid in order. */
function insert(grid: Grid, time: number, weight: number): void {
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

function fill(grid: Grid, { mu, variance, otherwise }: Forecast, disaster: number): void {
  grid.count = 0
  const sd = Math.sqrt(variance)
  const chance = (1 - disaster) * (otherwise?.chance ?? 0)
  for (let i = 0; i < nodes.length; i += 1)
    insert(grid, Math.exp(mu + sd * (nodes[i] ?? 0)), (1 - disaster - chance) * (nodeWeights[i] ?? 0))
  if (otherwise !== undefined && chance > 0) {
    const otherSd = Math.sqrt(otherwise.value.variance)
    for (let i = 0; i < coarse.length; i += 1)
      insert(grid, Math.exp(otherwise.value.mu + otherSd * (coarse[i] ?? 0)), chance * (coarseWeights[i] ?? 0))
  }
  if (disaster > 0)
    for (let i = 0; i < disasters.length; i += 1)
      insert(grid, Math.exp(mu) * (disasters[i] ?? 1), disaster * (disasterWeights[i] ?? 0))
}

const lastOf = ({ times, count }: Grid) => times[count - 1] ?? 0

function quantileOf({ times, weights, count }: Grid, q: number): number {
  let sum = 0
  for (let i = 0; i < count; i += 1) {
    sum += weights[i] ?? 0
    if (sum >= q) return times[i] ?? 0
  }
  return times[count - 1] ?? 0
}

/**
 * The cheapest way to run a request on two arms whose times are independent forecasts: one of them alone, or one
 * and, unless it has answered by then, also the other. Expectations are sums over a grid of both times, so that the
 * moment of the second run is chosen for what it saves and not for a fixed percentile. Where none pays, it still comes
 * to the rescue of a run that takes longer than anything foreseen, if it may.
 *
 * @returns one function that keeps its scratch space, and one object that it fills anew at each call
 */
export function createPairPlanner(): (first: Forecast, other: Forecast, costs: PairCosts) => PairPlan {
  const gridA = createGrid()
  const gridB = createGrid()
  const never = Number.POSITIVE_INFINITY
  const best: PairPlan = { firstStarts: true, afterMs: never, cost: 0, costAlone: 0 }
  const price = { deadlineMs: never, latePenalty: 0, harm: 0, slowMs: never }

  /** What an answer after this time costs. */
  const costAt = (ms: number) => {
    const { deadlineMs, latePenalty, harm, slowMs } = price
    return ms + (ms > deadlineMs ? latePenalty : 0) + (ms > slowMs ? harm * (ms - slowMs) : 0)
  }

  /** Expected cost when `a` starts and `b` follows after `afterMs`: one pass over both, as both are in order. */
  const costOf = (a: Grid, b: Grid, afterMs: number, extraB: number, wastedA: number, wastedB: number) => {
    let sum = 0
    let j = 0
    let before = 0
    let weightBefore = 0
    for (let i = 0; i < a.count; i += 1) {
      const timeA = a.times[i] ?? 0
      const weightA = a.weights[i] ?? 0
      const cost = costAt(timeA)
      if (timeA <= afterMs) {
        sum += weightA * cost
        continue
      }
      for (; j < b.count && afterMs + (b.times[j] ?? 0) < timeA; j += 1) {
        const weightB = b.weights[j] ?? 0
        before += weightB * (costAt(afterMs + (b.times[j] ?? 0)) + wastedA)
        weightBefore += weightB
      }
      sum += weightA * (extraB + before + Math.max(0, 1 - weightBefore) * (cost + wastedB))
    }
    return sum
  }

  const tryStart = (firstStarts: boolean, costs: PairCosts) => {
    const [a, b] = firstStarts ? [gridA, gridB] : [gridB, gridA]
    const [extraA, extraB] = firstStarts ? [costs.firstExtra, costs.otherExtra] : [costs.otherExtra, costs.firstExtra]
    const [wastedA, wastedB] = firstStarts
      ? [costs.wastedFirst, costs.wastedOther]
      : [costs.wastedOther, costs.wastedFirst]
    const costAlone = extraA + costOf(a, b, never, extraB, 0, 0)
    if (costAlone < best.cost) {
      best.firstStarts = firstStarts
      best.afterMs = never
      best.cost = costAlone
    }
    if (!(firstStarts ? costs.mayFollowFirst : costs.mayFollowOther)) return costAlone
    const tryAfter = (afterMs: number) => {
      const cost = extraA + costOf(a, b, afterMs, extraB, wastedA, wastedB)
      if (cost >= best.cost) return false
      best.firstStarts = firstStarts
      best.afterMs = afterMs
      best.cost = cost
      return true
    }
    // Just after a node. Every other one, then those beside the best.
    const afterNode = (i: number) => (a.times[i] ?? 0) * justAfter
    tryAfter(0)
    let bestNode = -1
    for (let i = 0; i < a.count; i += 2) if (tryAfter(afterNode(i))) bestNode = i
    if (bestNode > 0) tryAfter(afterNode(bestNode - 1))
    if (bestNode >= 0 && bestNode + 1 < a.count) tryAfter(afterNode(bestNode + 1))
    return costAlone
  }

  return (first, other, costs) => {
    fill(gridA, first, costs.disasterFirst)
    fill(gridB, other, costs.disasterOther)
    price.deadlineMs = costs.deadlineMs
    price.latePenalty = costs.latePenalty
    price.harm = costs.harm
    price.slowMs = Math.min(quantileOf(gridA, slowSide), quantileOf(gridB, slowSide))
    best.cost = never
    best.firstStarts = true
    best.afterMs = never
    const firstAlone = tryStart(true, costs)
    const otherAlone = tryStart(false, costs)
    best.costAlone = best.firstStarts ? firstAlone : otherAlone
    // Nothing that was foreseen takes longer than this: what does has stalled, and the other arm is its rescue.
    const mayFollow = best.firstStarts ? costs.mayFollowFirst : costs.mayFollowOther
    if (best.afterMs === never && mayFollow) best.afterMs = justAfter * lastOf(best.firstStarts ? gridA : gridB)
    return best
  }
}
