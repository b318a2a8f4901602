import { clamp } from '../../utils/clamp.ts'

/** Holds what is spent per hour to a budget, by a price on it. */
export interface BudgetController {
  spend(amount: number, nowMs: number): void
  /** What one unit costs now, in milliseconds of waiting: 0 while the budget is kept. */
  price(nowMs: number): number
}

/** Spending counts for about this long. */
const windowMs = 600_000
/** Spending at twice the budget multiplies the price by e² in a window: dual ascent on its logarithm. */
const gain = 2
const [leastLog, mostLog] = [-14, 14]

/**
 * The multiplier of a spending constraint, found online (Lagrangian duality with multiplicative updates, as in
 * Badanidiyuru, Kleinberg and Slivkins 2013, "Bandits with knapsacks"): it rises while more is spent than planned and
 * falls while less is.
 *
 * @param perHour the budget; undefined: no limit, the price stays 0
 * @param unitMs what one hour's budget is worth in milliseconds at the start; sets where the search begins
 */
export function createBudgetController(perHour: number | undefined, unitMs = 60_000): BudgetController {
  const limited = perHour !== undefined && perHour >= 0 && perHour < Number.POSITIVE_INFINITY
  const perMs = limited ? Math.max(perHour, 1e-12) / 3_600_000 : 0
  const start = limited ? unitMs / Math.max(perHour, 1e-12) : 0
  let rate = 0
  let log = 0
  let atMs: number | undefined

  /** Lets time pass: the averaged rate decays, and the price follows what it is beside the budget. */
  const advance = (nowMs: number) => {
    if (!Number.isFinite(nowMs)) return
    const elapsed = atMs === undefined ? 0 : clamp(nowMs - atMs, 0, windowMs)
    atMs = nowMs
    const error = Math.min(4, rate / perMs) - 1
    log = clamp(log + gain * error * (elapsed / windowMs), leastLog, mostLog)
    rate *= Math.exp(-elapsed / windowMs)
  }
  return {
    spend(amount, nowMs) {
      if (!limited || !(amount > 0 && amount < Number.POSITIVE_INFINITY)) return
      advance(nowMs)
      rate += amount / windowMs
    },
    price(nowMs) {
      if (!limited) return 0
      advance(nowMs)
      const over = rate / perMs
      // Well inside the budget there is nothing to hold.
      return over < 0.5 ? 0 : start * Math.exp(log) * over
    },
  }
}
