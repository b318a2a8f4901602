import type { Arm } from '../../contracts/route.ts'
import { isHitherError } from '../../errors/hither-error.ts'

/** Nobody waits longer than this for an endpoint that asked to be left alone. */
const mostWaitMs = 5_000
const shortWaitMs = 250

const worthAnotherTry: ReadonlySet<string> = new Set(['cloud-overloaded', 'cloud-failed', 'cloud-unreachable'])

/**
 * Milliseconds after which an arm that failed is asked once more, being the only one; undefined when that is no use. The
 * edge at once, with a new worker; an endpoint after its `Retry-After`, or after a moment.
 */
export function retryAfterMs(arm: Arm, error: unknown): number | undefined {
  if (arm === 'edge') return 0
  if (!isHitherError(error) || !worthAnotherTry.has(error.code)) return undefined
  const named = error.context.retryAfterMs
  const waitMs = typeof named === 'number' && named >= 0 ? named : shortWaitMs
  return waitMs <= mostWaitMs ? waitMs : undefined
}
