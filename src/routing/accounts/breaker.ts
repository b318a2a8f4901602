/** `closed`: the arm is used. `open`: it is set aside. `half-open`: one request may try whether it works again. */
export type BreakerState = 'closed' | 'open' | 'half-open'

/** A circuit breaker: keeps requests away from an arm that keeps failing. */
export interface Breaker {
  /** May a request use the arm? */
  allows(nowMs: number): boolean
  /** A request starts on the arm; in the half-open state it is the probe, and no other is allowed meanwhile. */
  begin(nowMs: number): void
  success(): void
  failure(nowMs: number): void
  /** A request ended without evidence about the arm: it was aborted, or was itself at fault. */
  abandon(): void
  state(nowMs: number): BreakerState
}

/** Opens after `failures` failures in a row for `openMs`, then lets one probe through; a success closes it. */
export function createBreaker(options: { readonly failures?: number; readonly openMs?: number } = {}): Breaker {
  const { failures: limit = 3, openMs = 30_000 } = options
  let failures = 0
  let openedAtMs: number | undefined
  let probeAtMs: number | undefined

  /** A clock that jumped back must not keep the breaker open for longer. */
  const within = (sinceMs: number | undefined, nowMs: number) =>
    sinceMs !== undefined && nowMs >= sinceMs && nowMs - sinceMs < openMs
  const state = (nowMs: number): BreakerState => {
    if (openedAtMs === undefined) return 'closed'
    return within(openedAtMs, nowMs) ? 'open' : 'half-open'
  }

  return {
    state,
    allows(nowMs) {
      const now = state(nowMs)
      // A probe that never ends blocks the next one only for `openMs`.
      return now === 'closed' || (now === 'half-open' && !within(probeAtMs, nowMs))
    },
    begin(nowMs) {
      if (state(nowMs) === 'half-open') probeAtMs = nowMs
    },
    success() {
      failures = 0
      openedAtMs = undefined
      probeAtMs = undefined
    },
    failure(nowMs) {
      failures += 1
      probeAtMs = undefined
      // A request that started before the breaker opened must not prolong it by failing late.
      if (failures >= limit && state(nowMs) !== 'open') openedAtMs = nowMs
    },
    abandon() {
      probeAtMs = undefined
    },
  }
}
