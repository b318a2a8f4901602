import type { RouteAttempt, RouteReason } from '../../contracts/route.ts'
import { mayFallOver } from '../../errors/codes.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import type { Timers } from '../../utils/with-deadline.ts'
import { armKey, toArmRef } from '../arm-ref.ts'
import type { ArmRef, RoutePlan, Router } from '../router-types.ts'
import { createPlanRuns } from './plan-runs.ts'
import { retryAfterMs } from './retry-after-ms.ts'

export interface PlanOutcome<T> {
  readonly value: T
  readonly ran: ArmRef
  /** The plan's reason, or why another arm answered. */
  readonly reason: RouteReason
  /** Every run that was started, in the order of their starts. */
  readonly attempts: readonly RouteAttempt[]
}

/** Why a run was aborted whose request has its answer. */
export class OvertakenError extends Error {
  override readonly name = 'OvertakenError'
}

/**
 * Runs a request as planned: the first run, the second one when its delay is over without an answer, at once when the
 * first fails, then the fall-backs in their order. The first answer is the request's; every other run is aborted. The
 * router observes each run's end, and the plan is settled once, however the request ends.
 *
 * If only one arm is left, it is retried once where that may help: the edge with a new worker, an endpoint after its
 * `Retry-After`.
 *
 * @param options.attempt runs the request on an arm; its signal aborts with an OvertakenError when another run answered
 * @throws {NoArmError} each arm that could take the request has failed
 * @throws an error that is the request's own fault, or unknown, untouched, unless another run still answers
 * @throws the signal's reason, untouched, when it aborts
 */
export function runPlan<T>(options: {
  readonly plan: RoutePlan
  readonly router: Pick<Router, 'observe' | 'settle'>
  readonly attempt: (ref: ArmRef, signal: AbortSignal) => Promise<T>
  readonly timers: Timers
  readonly nowMs: () => number
  readonly signal?: AbortSignal | undefined
  /** Whether the only arm may be retried once. Default true. */
  readonly mayRetry?: boolean
}): Promise<PlanOutcome<T>> {
  const { plan, router, attempt, timers, nowMs, signal, mayRetry = true } = options
  const { second } = plan
  const runs = createPlanRuns(plan, router, nowMs)
  const waiting = new Set<unknown>()
  let fatal: { readonly error: unknown } | undefined
  let secondIsDue = second !== undefined
  let isOver = false

  let resolve: (outcome: PlanOutcome<T>) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<PlanOutcome<T>>((onAnswer, onFailure) => {
    resolve = onAnswer
    reject = onFailure
  })

  /** Aborts the runs in flight and starts no more. */
  const finish = (result: 'lost' | 'abandoned', reason: () => unknown) => {
    isOver = true
    signal?.removeEventListener('abort', onAbort)
    for (const timer of waiting) timers.clearTimeout(timer)
    for (const run of runs.all) {
      if (run.end !== undefined) continue
      runs.end(run, result)
      run.controller.abort(reason())
    }
    router.settle(plan)
  }
  const onAbort = () => {
    if (isOver) return
    finish('abandoned', () => signal?.reason)
    reject(signal?.reason)
  }
  const later = (ms: number, work: () => void) => {
    const timer = timers.setTimeout(() => {
      waiting.delete(timer)
      work()
    }, ms)
    waiting.add(timer)
  }

  const start = (ref: ArmRef) => {
    const run = runs.add(ref)
    // Async, so that an attempt that throws at once is handled like any other failure.
    const work = async () => attempt(ref, run.controller.signal)
    work().then(
      (value) => {
        if (isOver) return
        runs.end(run, 'answered')
        finish('lost', () => new OvertakenError('Another run of this request has answered.'))
        resolve({ value, ran: ref, reason: runs.reasonOf(run), attempts: runs.attempts() })
      },
      (error: unknown) => {
        if (isOver) return
        if (isHitherError(error) && mayFallOver(error.code)) {
          runs.fail(run, error)
        } else {
          runs.end(run, 'abandoned', isHitherError(error) ? error.code : undefined)
          fatal ??= { error }
        }
        goOn(error)
      },
    )
  }
  const startSecond = () => {
    if (!secondIsDue || second === undefined) return false
    secondIsDue = false
    start(second)
    return true
  }

  /** After a failure: the second run at once, or the next fall-back when no run is in flight. */
  const goOn = (error: unknown) => {
    if (fatal === undefined && startSecond()) return
    if (runs.all.some(({ end }) => end === undefined)) return
    if (fatal === undefined) {
      const tried = new Set(runs.all.map(({ ref }) => armKey(ref)))
      const next = plan.fallbacks.find((ref) => !tried.has(armKey(ref)))
      if (next !== undefined) return start(next)
      const [only, another] = runs.all
      const delayMs = mayRetry && only && another === undefined ? retryAfterMs(only.ref.arm, error) : undefined
      if (only !== undefined && delayMs === 0) return start(only.ref)
      if (only !== undefined && delayMs !== undefined) return later(delayMs, () => start(only.ref))
    }
    finish('abandoned', () => undefined)
    reject(fatal === undefined ? runs.noAnswer() : fatal.error)
  }

  if (signal?.aborted) {
    onAbort()
    return promise
  }
  signal?.addEventListener('abort', onAbort)
  start(toArmRef(plan))
  if (second !== undefined && second.afterMs > 0) later(second.afterMs, startSecond)
  else startSecond()
  return promise
}
