/** Bounds how often something may happen: a token each, and some come in with every request. */
export interface TokenBucket {
  /** A request came. */
  refill(): void
  take(): void
  giveBack(): void
  readonly level: number
}

/**
 * @param options.share tokens that each request brings
 * @param options.most as many are kept at most, and are there at the start
 */
export function createTokenBucket({ share, most }: { readonly share: number; readonly most: number }): TokenBucket {
  let level = most
  return {
    refill() {
      level = Math.min(most, level + share)
    },
    take() {
      level -= 1
    },
    giveBack() {
      level = Math.min(most, level + 1)
    },
    get level() {
      return level
    },
  }
}
