import type { Arm } from '../../contracts/route.ts'
import { isHitherError } from '../../errors/hither-error.ts'

/** A longer `Retry-After` is not waited for. */
const mostWaitMs = 5_000
const shortWaitMs = 250

const worthAnotherTry: ReadonlySet<string> = new Set(['cloud-overloaded', 'cloud-failed', 'cloud-unreachable'])

/**
 * Milliseconds until the only arm is retried after a failure; undefined when a retry can't help. The edge is retried at
 * once, with a new worker, an endpoint after its `Retry-After` or a short wait.
 */
export function retryAfterMs(arm: Arm, error: unknown): number | undefined {
  if (arm === 'edge') return 0
  if (!isHitherError(error) || !worthAnotherTry.has(error.code)) return undefined
  const named = error.context.retryAfterMs
  const waitMs = typeof named === 'number' && named >= 0 ? named : shortWaitMs
  return waitMs <= mostWaitMs ? waitMs : undefined
}
