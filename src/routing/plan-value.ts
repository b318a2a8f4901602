import type { LogNormal } from '../utils/log-normal.ts'

/** One way to run a request on two arms, `first` and `other`: which starts, and when the second one does. */
export interface PairPlan {
  /** True: the first arm given starts. */
  firstStarts: boolean
  /** Milliseconds until the second run; infinite when there is none. */
  afterMs: number
  /** Expected time with what it costs, in milliseconds. */
  cost: number
  /** Expected cost of the same start without a second run. */
  costAlone: number
}

/** What the values of plans depend on beside the two times. All in milliseconds. */
export interface PairCosts {
  /** Added to what a run on the first arm, and on the other one, costs. */
  readonly firstExtra: number
  readonly otherExtra: number
  /** What a run costs whose answer is not used; infinite: it must not happen. */
  readonly wastedFirst: number
  readonly wastedOther: number
  /** When an answer is late (infinite: never), and what being late costs. */
  readonly deadlineMs: number
  readonly latePenalty: number
}

/** Nodes of a standard normal, and their weights: fine enough where costs are decided, and far into the slow side. */
const nodes: readonly number[] = [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]
const density = nodes.map((z) => Math.exp((-z * z) / 2))
const weights = Float64Array.from(density, (value) => value / density.reduce((sum, each) => sum + each, 0))
const count = nodes.length

/**
 * The cheapest way to run a request on two arms whose times are independent log-normals: one of them alone, or one
 * and, unless it has answered by then, also the other. Expectations are sums over a grid of both times, so that the
 * moment of the second run is chosen for what it saves and not for a fixed percentile.
 *
 * @returns one function that keeps its scratch space, and one object that it fills anew at each call
 */
export function createPairPlanner(): (first: LogNormal, other: LogNormal, costs: PairCosts) => PairPlan {
  const timesA = new Float64Array(count)
  const timesB = new Float64Array(count)
  const best: PairPlan = { firstStarts: true, afterMs: Number.POSITIVE_INFINITY, cost: 0, costAlone: 0 }

  const fill = (times: Float64Array, { mu, variance }: LogNormal) => {
    const sd = Math.sqrt(variance)
    for (let i = 0; i < count; i += 1) times[i] = Math.exp(mu + sd * (nodes[i] ?? 0))
  }

  /** Expected cost when `a` starts and `b` follows after `afterMs`. */
  const costOf = (
    a: Float64Array,
    b: Float64Array,
    afterMs: number,
    extraB: number,
    wastedA: number,
    wastedB: number,
    { deadlineMs, latePenalty }: PairCosts,
  ) => {
    let sum = 0
    for (let i = 0; i < count; i += 1) {
      const timeA = a[i] ?? 0
      const weightA = weights[i] ?? 0
      if (timeA <= afterMs) {
        sum += weightA * (timeA + (timeA > deadlineMs ? latePenalty : 0))
        continue
      }
      let inner = extraB
      for (let j = 0; j < count; j += 1) {
        const timeB = afterMs + (b[j] ?? 0)
        const aWins = timeA <= timeB
        const time = aWins ? timeA : timeB
        inner += (weights[j] ?? 0) * (time + (aWins ? wastedB : wastedA) + (time > deadlineMs ? latePenalty : 0))
      }
      sum += weightA * inner
    }
    return sum
  }

  const tryStart = (firstStarts: boolean, costs: PairCosts) => {
    const [a, b] = firstStarts ? [timesA, timesB] : [timesB, timesA]
    const [extraA, extraB] = firstStarts ? [costs.firstExtra, costs.otherExtra] : [costs.otherExtra, costs.firstExtra]
    const [wastedA, wastedB] = firstStarts
      ? [costs.wastedFirst, costs.wastedOther]
      : [costs.wastedOther, costs.wastedFirst]
    const never = Number.POSITIVE_INFINITY
    const costAlone = extraA + costOf(a, b, never, extraB, 0, 0, costs)
    if (costAlone < best.cost) {
      best.firstStarts = firstStarts
      best.afterMs = never
      best.cost = costAlone
    }
    if (wastedA < never && wastedB < never) {
      for (let i = -1; i < count - 1; i += 1) {
        // Just after a node: a run that takes as long as predicted is not overtaken.
        const afterMs = i < 0 ? 0 : (a[i] ?? 0) * 1.02
        const cost = extraA + costOf(a, b, afterMs, extraB, wastedA, wastedB, costs)
        if (cost < best.cost) {
          best.firstStarts = firstStarts
          best.afterMs = afterMs
          best.cost = cost
        }
      }
    }
    return costAlone
  }

  return (first, other, costs) => {
    fill(timesA, first)
    fill(timesB, other)
    best.cost = Number.POSITIVE_INFINITY
    best.firstStarts = true
    best.afterMs = Number.POSITIVE_INFINITY
    const firstAlone = tryStart(true, costs)
    const otherAlone = tryStart(false, costs)
    best.costAlone = best.firstStarts ? firstAlone : otherAlone
    return best
  }
}
