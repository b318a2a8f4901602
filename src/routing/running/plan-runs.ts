import type { Arm, RouteAttempt, RouteReason } from '../../contracts/route.ts'
import type { HitherError } from '../../errors/hither-error.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import { armKey, toArmRef } from '../arm-ref.ts'
import { reasonAfterFallOver } from '../explain-route.ts'
import type { ArmRef, RoutePlan, Router, RunEnd } from '../router-types.ts'

/** One run of a plan. */
export interface Run {
  readonly ref: ArmRef
  readonly startedMs: number
  readonly controller: AbortController
  end?: { readonly result: RunEnd['result']; readonly ms: number; readonly error?: string }
}

/** The runs of one plan: each ends once, and the router observes its end. */
export interface PlanRuns {
  /** In the order of their starts. */
  readonly all: readonly Run[]
  add(ref: ArmRef): Run
  /** Does nothing for a run that has ended. */
  end(run: Run, result: RunEnd['result'], error?: string): void
  /** Ends a run with an error that may fall over to another arm. */
  fail(run: Run, error: HitherError): void
  /** The reason of an answer from this run. */
  reasonOf(run: Run): RouteReason
  attempts(): RouteAttempt[]
  /** The error when every arm has failed. */
  noAnswer(): NoArmError
}

const nameOf: Record<Arm, string> = { edge: 'This device', cloud: 'The cloud' }

/** An endpoint that refuses a request as too large is healthy. */
const isItsFault = ({ code }: HitherError) => code !== 'cloud-too-large'

export function createPlanRuns(plan: RoutePlan, router: Pick<Router, 'observe'>, nowMs: () => number): PlanRuns {
  const { second } = plan
  const runs: Run[] = []
  const failures: { readonly ref: ArmRef; readonly error: HitherError }[] = []

  const end = (run: Run, result: RunEnd['result'], error?: string) => {
    if (run.end !== undefined) return
    const ms = nowMs() - run.startedMs
    run.end = { result, ms, ...(error === undefined ? {} : { error }) }
    router.observe(plan, { ...run.ref, result, ms })
  }

  return {
    all: runs,
    add(ref) {
      const run: Run = { ref, startedMs: nowMs(), controller: new AbortController() }
      runs.push(run)
      return run
    },
    end,
    fail(run, error) {
      end(run, isItsFault(error) ? 'failed' : 'abandoned', error.code)
      failures.push({ ref: run.ref, error })
    },
    reasonOf({ ref }) {
      const first = runs[0]
      if (first === undefined || armKey(first.ref) === armKey(ref)) {
        const raced = second?.purpose === 'explore' && runs.length > 1 && failures.length === 0
        return raced ? 'explored' : plan.reason
      }
      const failed = failures[0]
      if (failed !== undefined) return failed.ref.arm === ref.arm ? plan.reason : reasonAfterFallOver(failed.ref.arm)
      if (second?.purpose === 'explore') return 'explored'
      return first.ref.arm === ref.arm ? plan.reason : `${first.ref.arm}-overtaken`
    },
    attempts: () =>
      runs.map(
        ({ ref, startedMs, end: ended }): RouteAttempt => ({
          ...toArmRef(ref),
          startedMs: startedMs - (runs[0]?.startedMs ?? startedMs),
          ms: ended?.ms ?? 0,
          result: ended?.result ?? 'abandoned',
          ...(ended?.error === undefined ? {} : { error: ended.error }),
        }),
      ),
    noAnswer() {
      // The only arm is tried twice: then the message must not blame the other one.
      const triedBoth = new Set(failures.map(({ ref }) => ref.arm)).size > 1
      const details = new Set(failures.map(({ ref, error }) => `${nameOf[ref.arm]}: ${error.message}`))
      const head = triedBoth ? 'Neither this device nor the cloud could answer.' : 'The request was not answered.'
      const attempts = failures.map(({ error }) => error)
      return new NoArmError('no-arm', `${head} ${[...details].join(' ')}`, { attempts })
    },
  }
}
