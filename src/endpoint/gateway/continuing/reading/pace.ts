/** Gaps between tokens that are longer than the usual one so many times are no gaps any more. */
const stallFactor = 4
/** Weight of the newest gap in the usual one. */
const newest = 0.2
const mostKeys = 1_000

/** How long a stream may be silent. */
export interface Pace {
  readonly limitMs: number
  /** Pieces of text have come after so many milliseconds of waiting for them. */
  came(pieces: number, waitedMs: number): void
}

/** When a silent stream counts as stalled. */
export interface StallLimits {
  /** Milliseconds without a token, or four times the upstream's usual gap where that is more. */
  readonly leastMs: number
  /** Milliseconds before the first token, and while the usual gap is not known. */
  readonly firstMs: number
}

/** The usual gap between two tokens by upstream and model, learned from all of their streams. */
export function createPaces({ leastMs, firstMs }: StallLimits): (key: string) => Pace {
  const gaps = new Map<string, number>()
  return (key) => {
    let hasBegun = false
    return {
      get limitMs() {
        const gapMs = gaps.get(key)
        return hasBegun && gapMs !== undefined ? Math.max(leastMs, stallFactor * gapMs) : Math.max(leastMs, firstMs)
      },
      came(pieces, waitedMs) {
        if (pieces === 0) return
        const wasFirst = !hasBegun
        hasBegun = true
        if (wasFirst) return
        const before = gaps.get(key)
        const gapMs = waitedMs / pieces
        if (before === undefined && gaps.size >= mostKeys) gaps.clear()
        gaps.set(key, before === undefined ? gapMs : before + newest * (gapMs - before))
      },
    }
  }
}
