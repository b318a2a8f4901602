import type { Arm, RouteAttempt, RouteReason } from '../contracts/route.ts'
import { mayFallOver } from '../errors/codes.ts'
import { type HitherError, isHitherError } from '../errors/hither-error.ts'
import { NoArmError } from '../errors/no-arm-error.ts'
import type { Breaker } from './breaker.ts'
import type { Decision } from './decide-route.ts'
import { reasonAfterFallOver, sentenceOf } from './explain-route.ts'

export interface RouteOutcome<T> {
  readonly value: T
  readonly ran: Arm
  /** The decision's reason, or why the other arm answered. */
  readonly reason: RouteReason
  readonly attempts: readonly RouteAttempt[]
}

const nameOf: Record<Arm, string> = { edge: 'This device', cloud: 'The cloud' }

function noAnswer(failures: readonly { readonly arm: Arm; readonly error: HitherError }[]): NoArmError {
  // The edge as the only arm is tried twice: the cloud, which nobody asked, is not to be blamed.
  const triedBoth = new Set(failures.map(({ arm }) => arm)).size > 1
  const details = new Set(failures.map(({ arm, error }) => `${nameOf[arm]}: ${error.message}`))
  const head = triedBoth ? 'Neither this device nor the cloud could answer.' : 'The request was not answered.'
  return new NoArmError('no-arm', `${head} ${[...details].join(' ')}`, { attempts: failures.map(({ error }) => error) })
}

/**
 * Runs a request as decided, on one arm and, when that arm is at fault, on the other. Keeps the breakers.
 *
 * @param options.attempt runs the request on an arm
 * @param options.nowMs a clock in milliseconds, for breakers and the attempts' times
 * @throws {NoArmError} no arm can take the request, or each that could has failed
 * @throws an error that is the request's own fault, or unknown, untouched: the other arm would not do better
 * @throws the signal's reason, untouched, when it aborts
 */
export async function runRoute<T>(options: {
  readonly decision: Decision
  readonly attempt: (arm: Arm) => Promise<T>
  readonly breakers: Readonly<Record<Arm, Breaker>>
  readonly nowMs: () => number
  readonly signal?: AbortSignal | undefined
}): Promise<RouteOutcome<T>> {
  const { decision, attempt, breakers, nowMs, signal } = options
  if (decision.arm === undefined) throw new NoArmError('no-arm', sentenceOf(decision))
  const attempts: RouteAttempt[] = []
  const failures: { arm: Arm; error: HitherError }[] = []
  const arms = decision.fallback === undefined ? [decision.arm] : [decision.arm, decision.fallback]
  for (const arm of arms) {
    signal?.throwIfAborted()
    const breaker = breakers[arm]
    const startedAtMs = nowMs()
    breaker.begin(startedAtMs)
    try {
      const value = await attempt(arm)
      breaker.success()
      attempts.push({ arm, ms: nowMs() - startedAtMs })
      const failed = failures[0]
      return { value, ran: arm, reason: failed ? reasonAfterFallOver(failed.arm) : decision.reason, attempts }
    } catch (error) {
      if (signal?.aborted || !isHitherError(error) || !mayFallOver(error.code)) {
        breaker.abandon()
        throw signal?.aborted ? signal.reason : error
      }
      breaker.failure(nowMs())
      attempts.push({ arm, ms: nowMs() - startedAtMs, error: error.code })
      failures.push({ arm, error })
    }
  }
  throw noAnswer(failures)
}
