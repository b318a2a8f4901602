/** Tokens that may be used once, remembered until they expire. */
export interface UsedTokens {
  /** Remembers a token; false when it was used before, or when there is no room to remember it safely. */
  add(id: string, untilSeconds: number, nowSeconds: number): boolean
}

/** @param maxTokens more valid ones than this at a time are refused: forgetting one would let it be used twice */
export function createUsedTokens(maxTokens = 1_000_000): UsedTokens {
  const until = new Map<string, number>()
  let sweptSeconds = 0
  const sweep = (nowSeconds: number) => {
    sweptSeconds = nowSeconds
    for (const [id, end] of until) if (end < nowSeconds) until.delete(id)
  }
  return {
    add(id, untilSeconds, nowSeconds) {
      if (nowSeconds - sweptSeconds > 60 || until.size >= maxTokens) sweep(nowSeconds)
      if (until.has(id) || until.size >= maxTokens) return false
      until.set(id, untilSeconds)
      return true
    },
  }
}
