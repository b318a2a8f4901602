/** Limits the tokens that races may waste on one arm: cloud money and edge energy count by the token. */
export interface TokenBudget {
  /** A request came that is expected to have so many tokens, prompt and answer together. */
  refill(tokens: number): void
  spend(tokens: number): void
  giveBack(tokens: number): void
  /** A race may be begun: there is something left. What it costs may overdraw the budget once. */
  readonly isOpen: boolean
  /** It is overdrawn by more than a mean request has. */
  readonly isDeep: boolean
  /** Price of one wasted token, in milliseconds. Rises as the budget runs out. */
  priceOf(scaleMs: number): number
  /** Tokens left, and the mean tokens of a request. */
  readonly state: { readonly level: number; readonly unit: number } | undefined
  restore(state: { readonly level: number; readonly unit: number }): void
}

/** Weight of a request in the mean. */
const unitGain = 0.1

/**
 * @param options.share of all requests' tokens that may be wasted
 * @param options.burst what it holds at the most, and at the start, in mean requests
 * @param options.price of a mean request wasted with a full budget, as a share of the expected time; `growth` times that for each request missing
 */
export function createTokenBudget(options: {
  readonly share: number
  readonly burst: number
  readonly price: number
  readonly growth: number
  readonly priceFloorMs: number
}): TokenBudget {
  const { share, burst, price, growth, priceFloorMs } = options
  let unit = 0
  let level = 0
  const isTokens = (tokens: number) => tokens > 0 && tokens < 1e9
  const most = () => burst * unit
  return {
    refill(tokens) {
      if (!isTokens(tokens)) return
      if (unit === 0) {
        unit = tokens
        level = most()
      } else unit += unitGain * (tokens - unit)
      level = Math.min(Math.max(level, most()), level + share * tokens)
    },
    spend(tokens) {
      if (isTokens(tokens)) level -= tokens
    },
    giveBack(tokens) {
      if (isTokens(tokens)) level += tokens
    },
    get isOpen() {
      return level > 0
    },
    get isDeep() {
      return level < -unit
    },
    priceOf(scaleMs) {
      if (unit === 0) return 0
      const missing = Math.max(0, most() - level) / unit
      return (price * (scaleMs + priceFloorMs) * growth ** Math.min(40, missing)) / unit
    },
    get state() {
      return unit === 0 ? undefined : { level, unit }
    },
    restore(state) {
      if (!(isTokens(state.unit) && Number.isFinite(state.level))) return
      unit = state.unit
      level = Math.min(most(), state.level)
    },
  }
}
