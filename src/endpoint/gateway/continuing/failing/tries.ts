import type { Upstream } from '../../upstreams/upstream.ts'
import type { FailureReason } from './failure.ts'

/** How an upstream has failed a request the last time. */
interface Try {
  readonly reason: FailureReason
  /** Tokens of the answer when it was asked, and when it failed. */
  readonly from: number
  readonly to: number
  /** How often it has failed. */
  readonly times: number
}

/**
 * The upstreams that have failed one request. One that was lost, or fell silent, may be asked again where the answer has
 * got on since: then it was not this request that broke it, which would break the next one as well.
 */
export interface Tries {
  /** It is asked now, with so many tokens written. */
  begins(upstream: Upstream, written: number): void
  failed(upstream: Upstream, reason: FailureReason, written: number): void
  /** Has it not failed yet? */
  isNew(upstream: Upstream): boolean
  /**
   * May it be asked once more, with so many tokens written?
   *
   * @param isSilent whoever was asked since has only fallen silent: one that has failed once may then be tried anyway
   */
  mayAgain(upstream: Upstream, written: number, isSilent: boolean): boolean
  /** May it be asked once more at once, as it had got on with the answer before its connection broke? */
  mayAtOnce(upstream: Upstream): boolean
}

export function createTries(): Tries {
  const begun = new Map<Upstream, number>()
  const failed = new Map<Upstream, Try>()
  return {
    begins: (upstream, written) => void begun.set(upstream, written),
    failed: (upstream, reason, written) =>
      void failed.set(upstream, {
        ...{ reason, from: begun.get(upstream) ?? 0, to: written },
        times: (failed.get(upstream)?.times ?? 0) + 1,
      }),
    isNew: (upstream) => !failed.has(upstream),
    mayAgain(upstream, written, isSilent) {
      const last = failed.get(upstream)
      if (last?.reason !== 'socket' && last?.reason !== 'stalled') return false
      return written > last.to || (isSilent && last.times === 1)
    },
    mayAtOnce(upstream) {
      const last = failed.get(upstream)
      return last?.reason === 'socket' && last.to > last.from
    },
  }
}
