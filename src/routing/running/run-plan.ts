import type { Arm, RouteAttempt, RouteReason } from '../../contracts/route.ts'
import { mayFallOver } from '../../errors/codes.ts'
import { type HitherError, isHitherError } from '../../errors/hither-error.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import type { Timers } from '../../utils/with-deadline.ts'
import { armKey, toArmRef } from '../arm-ref.ts'
import { reasonAfterFallOver } from '../explain-route.ts'
import type { ArmRef, RoutePlan, Router, RunEnd } from '../router-types.ts'
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

interface Run {
  readonly ref: ArmRef
  readonly startedMs: number
  readonly controller: AbortController
  end?: { readonly result: RunEnd['result']; readonly ms: number; readonly error?: string }
}

const nameOf: Record<Arm, string> = { edge: 'This device', cloud: 'The cloud' }

function noAnswer(failures: readonly { readonly ref: ArmRef; readonly error: HitherError }[]): NoArmError {
  // An arm that is the only one is tried twice: the other, which nobody asked, is not to be blamed.
  const triedBoth = new Set(failures.map(({ ref }) => ref.arm)).size > 1
  const details = new Set(failures.map(({ ref, error }) => `${nameOf[ref.arm]}: ${error.message}`))
  const head = triedBoth ? 'Neither this device nor the cloud could answer.' : 'The request was not answered.'
  return new NoArmError('no-arm', `${head} ${[...details].join(' ')}`, { attempts: failures.map(({ error }) => error) })
}

/** An endpoint that refuses what is too large for it is in good health. */
const isItsFault = ({ code }: HitherError) => code !== 'cloud-too-large'

/**
 * Runs a request as planned: the first run, the second one when it is time and no answer has come, at once when the
 * first fails, then the fall-backs in their order. The first answer is the request's; every other run is aborted. Each
 * run's end is told to the router, and the plan is settled once, however the request ends.
 *
 * An arm that is the only one is asked once more where that may help: the edge with a new worker, an endpoint after the
 * time it names.
 *
 * @param options.attempt runs the request on an arm; its signal aborts with an OvertakenError when another run answered
 * @throws {NoArmError} each arm that could take the request has failed
 * @throws an error that is the request's own fault, or unknown, untouched, unless a run under way still answers
 * @throws the signal's reason, untouched, when it aborts
 */
export function runPlan<T>(options: {
  readonly plan: RoutePlan
  readonly router: Pick<Router, 'observe' | 'settle'>
  readonly attempt: (ref: ArmRef, signal: AbortSignal) => Promise<T>
  readonly timers: Timers
  readonly nowMs: () => number
  readonly signal?: AbortSignal | undefined
  /** Whether an arm that is the only one may be asked once more. Default true. */
  readonly mayRetry?: boolean
}): Promise<PlanOutcome<T>> {
  const { plan, router, attempt, timers, nowMs, signal, mayRetry = true } = options
  const { second } = plan
  const runs: Run[] = []
  const failures: { readonly ref: ArmRef; readonly error: HitherError }[] = []
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

  const endRun = (run: Run, result: RunEnd['result'], error?: string) => {
    if (run.end !== undefined) return
    const ms = nowMs() - run.startedMs
    run.end = { result, ms, ...(error === undefined ? {} : { error }) }
    router.observe(plan, { ...run.ref, result, ms })
  }
  /** Ends what is still under way, and lets nothing more begin. */
  const finish = (result: 'lost' | 'abandoned', reason: () => unknown) => {
    isOver = true
    signal?.removeEventListener('abort', onAbort)
    for (const timer of waiting) timers.clearTimeout(timer)
    for (const run of runs) {
      if (run.end !== undefined) continue
      endRun(run, result)
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
  const attempts = () =>
    runs.map(
      ({ ref, startedMs, end }): RouteAttempt => ({
        ...toArmRef(ref),
        startedMs: startedMs - (runs[0]?.startedMs ?? startedMs),
        ms: end?.ms ?? 0,
        result: end?.result ?? 'abandoned',
        ...(end?.error === undefined ? {} : { error: end.error }),
      }),
    )

  const start = (ref: ArmRef) => {
    const run: Run = { ref, startedMs: nowMs(), controller: new AbortController() }
    runs.push(run)
    // What fails before it begins fails like any other run.
    const work = async () => attempt(ref, run.controller.signal)
    work().then(
      (value) => {
        if (isOver) return
        endRun(run, 'answered')
        finish('lost', () => new OvertakenError('Another run of this request has answered.'))
        resolve({ value, ran: ref, reason: reasonOf(run), attempts: attempts() })
      },
      (error: unknown) => {
        if (isOver) return
        if (!isHitherError(error) || !mayFallOver(error.code)) {
          endRun(run, 'abandoned', isHitherError(error) ? error.code : undefined)
          fatal ??= { error }
        } else {
          endRun(run, isItsFault(error) ? 'failed' : 'abandoned', error.code)
          failures.push({ ref, error })
        }
        goOn(error)
      },
    )
  }
  const reasonOf = ({ ref }: Run): RouteReason => {
    const first = runs[0]
    if (first === undefined || armKey(first.ref) === armKey(ref)) {
      const raced = second?.purpose === 'explore' && runs.length > 1 && failures.length === 0
      return raced ? 'explored' : plan.reason
    }
    const failed = failures[0]
    if (failed !== undefined) return failed.ref.arm === ref.arm ? plan.reason : reasonAfterFallOver(failed.ref.arm)
    if (second?.purpose === 'explore') return 'explored'
    if (first.ref.arm === ref.arm) return plan.reason
    return first.ref.arm === 'edge' ? 'edge-overtaken' : 'cloud-overtaken'
  }

  /** After a failure: the second run at once, or the next fall-back when nothing is under way any more. */
  const goOn = (error: unknown) => {
    if (fatal === undefined && secondIsDue && second !== undefined) {
      secondIsDue = false
      start(second)
      return
    }
    if (runs.some(({ end }) => end === undefined)) return
    if (fatal === undefined) {
      const tried = new Set(runs.map(({ ref }) => armKey(ref)))
      const next = plan.fallbacks.find((ref) => !tried.has(armKey(ref)))
      if (next !== undefined) return start(next)
      const first = runs[0]
      const delayMs = mayRetry && runs.length === 1 && first ? retryAfterMs(first.ref.arm, error) : undefined
      if (first !== undefined && delayMs === 0) return start(first.ref)
      if (first !== undefined && delayMs !== undefined) return later(delayMs, () => start(first.ref))
    }
    finish('abandoned', () => undefined)
    reject(fatal === undefined ? noAnswer(failures) : fatal.error)
  }

  if (signal?.aborted) {
    onAbort()
    return promise
  }
  signal?.addEventListener('abort', onAbort)
  start(toArmRef(plan))
  if (second !== undefined && second.afterMs > 0) {
    later(second.afterMs, () => {
      if (!secondIsDue) return
      secondIsDue = false
      start(second)
    })
  } else if (second !== undefined) {
    secondIsDue = false
    start(second)
  }
  return promise
}
