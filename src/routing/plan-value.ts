import type { Forecast } from '../utils/forecast.ts'

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
  /** The chance that the arm takes many times as long, whatever is known of it. */
  readonly disasterFirst: number
  readonly disasterOther: number
}

/** Nodes of a standard normal, and their weights: fine enough where costs are decided, and far into the slow side. */
const nodes: readonly number[] = [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]
const coarse: readonly number[] = [-1.8, -1.1, -0.4, 0.3, 1, 1.7, 2.4, 3.2]
const weigh = (list: readonly number[]) => {
  const density = list.map((z) => Math.exp((-z * z) / 2))
  return density.map((value) => value / density.reduce((sum, each) => sum + each, 0))
}
const nodeWeights = weigh(nodes)
const coarseWeights = weigh(coarse)
/** What no history foretells: an arm that takes this many times as long, and how the chance of it is shared out. */
const disasters: readonly number[] = [2.5, 6, 16]
const disasterWeights: readonly number[] = [0.5, 0.3, 0.2]
const most = nodes.length + coarse.length + disasters.length

/**
 * The cheapest way to run a request on two arms whose times are independent forecasts: one of them alone, or one
 * and, unless it has answered by then, also the other. Expectations are sums over a grid of both times, so that the
 * moment of the second run is chosen for what it saves and not for a fixed percentile.
 *
 * @returns one function that keeps its scratch space, and one object that it fills anew at each call
 */
export function createPairPlanner(): (first: Forecast, other: Forecast, costs: PairCosts) => PairPlan {
  const gridA = { times: new Float64Array(most), weights: new Float64Array(most), count: 0 }
  const gridB = { times: new Float64Array(most), weights: new Float64Array(most), count: 0 }
  const best: PairPlan = { firstStarts: true, afterMs: Number.POSITIVE_INFINITY, cost: 0, costAlone: 0 }

  const fill = (grid: typeof gridA, { mu, variance, otherwise }: Forecast, disaster: number) => {
    const sd = Math.sqrt(variance)
    const chance = (1 - disaster) * (otherwise?.chance ?? 0)
    let at = 0
    const add = (time: number, weight: number) => {
      grid.times[at] = time
      grid.weights[at] = weight
      at += 1
    }
    for (let i = 0; i < nodes.length; i += 1)
      add(Math.exp(mu + sd * (nodes[i] ?? 0)), (1 - disaster - chance) * (nodeWeights[i] ?? 0))
    if (otherwise !== undefined && chance > 0) {
      const otherSd = Math.sqrt(otherwise.value.variance)
      for (let i = 0; i < coarse.length; i += 1)
        add(Math.exp(otherwise.value.mu + otherSd * (coarse[i] ?? 0)), chance * (coarseWeights[i] ?? 0))
    }
    if (disaster > 0)
      for (let i = 0; i < disasters.length; i += 1)
        add(Math.exp(mu) * (disasters[i] ?? 1), disaster * (disasterWeights[i] ?? 0))
    grid.count = at
  }

  /** Expected cost when `a` starts and `b` follows after `afterMs`. */
  const costOf = (
    a: typeof gridA,
    b: typeof gridA,
    afterMs: number,
    extraB: number,
    wastedA: number,
    wastedB: number,
    { deadlineMs, latePenalty }: PairCosts,
  ) => {
    let sum = 0
    for (let i = 0; i < a.count; i += 1) {
      const timeA = a.times[i] ?? 0
      const weightA = a.weights[i] ?? 0
      if (timeA <= afterMs) {
        sum += weightA * (timeA + (timeA > deadlineMs ? latePenalty : 0))
        continue
      }
      let inner = extraB
      for (let j = 0; j < b.count; j += 1) {
        const timeB = afterMs + (b.times[j] ?? 0)
        const aWins = timeA <= timeB
        const time = aWins ? timeA : timeB
        inner += (b.weights[j] ?? 0) * (time + (aWins ? wastedB : wastedA) + (time > deadlineMs ? latePenalty : 0))
      }
      sum += weightA * inner
    }
    return sum
  }

  const tryStart = (firstStarts: boolean, costs: PairCosts) => {
    const [a, b] = firstStarts ? [gridA, gridB] : [gridB, gridA]
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
      for (let i = -1; i < a.count; i += 1) {
        // Just after a node: a run that takes as long as predicted is not overtaken.
        const afterMs = i < 0 ? 0 : (a.times[i] ?? 0) * 1.02
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
    fill(gridA, first, costs.disasterFirst)
    fill(gridB, other, costs.disasterOther)
    best.cost = Number.POSITIVE_INFINITY
    best.firstStarts = true
    best.afterMs = Number.POSITIVE_INFINITY
    const firstAlone = tryStart(true, costs)
    const otherAlone = tryStart(false, costs)
    best.costAlone = best.firstStarts ? firstAlone : otherAlone
    return best
  }
}
