import { clamp } from '../../utils/clamp.ts'

/** Keeps hourly spending within a budget by putting a price on it. */
export interface BudgetController {
  spend(amount: number, nowMs: number): void
  /** Price of one unit, in milliseconds of waiting: 0 while spending is below half of the budget. */
  price(nowMs: number): number
}

/** Time constant of the averaged spending rate. */
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
 * @param unitMs initial price of one hour's budget, in milliseconds: the starting point of the search
 */
export function createBudgetController(perHour: number | undefined, unitMs = 60_000): BudgetController {
  const limited = perHour !== undefined && perHour >= 0 && perHour < Number.POSITIVE_INFINITY
  const perMs = limited ? Math.max(perHour, 1e-12) / 3_600_000 : 0
  const start = limited ? unitMs / Math.max(perHour, 1e-12) : 0
  let rate = 0
  let log = 0
  let atMs: number | undefined

  /** Lets time pass: the averaged rate decays, and the price follows its ratio to the budget. */
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
      return over < 0.5 ? 0 : start * Math.exp(log) * over
    },
  }
}
