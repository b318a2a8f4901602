import type { Manifest } from '../../../contracts/manifest.ts'
import type { Prediction, RouteKnowledge, RouteOther, RouteRecord } from '../../../contracts/route.ts'
import { routeReasons } from '../../../contracts/route-reasons.ts'
import type { RoutePlan } from '../../../routing/router-types.ts'
import type { PlanOutcome } from '../../../routing/running/run-plan.ts'
import { given } from '../../../utils/given.ts'
import type { ArmAnswer } from './arm-runs.ts'

const sameArm = (a: { arm: string; endpoint?: string }, b: { arm: string; endpoint?: string }) =>
  a.arm === b.arm && a.endpoint === b.endpoint

/** What the arm that did not answer would have cost: known where both ran. */
function otherOf({ attempts }: PlanOutcome<unknown>): RouteOther | undefined {
  const lost = attempts.find(({ result }) => result === 'lost')
  if (lost === undefined) return undefined
  const { arm, endpoint, ms } = lost
  return { arm, ...given({ endpoint }), ms, known: 'at-least' }
}

/** Puts a route's record together: what was known, predicted, planned and done, and nothing of the content. */
export function toRouteRecord(about: {
  readonly id: string
  readonly manifest: Pick<Manifest, 'name' | 'revision'>
  readonly plan: RoutePlan
  readonly known: RouteKnowledge
  readonly outcome: PlanOutcome<ArmAnswer>
  readonly startedAtMs: number
  /** From the request's start: to the decision, to tensors, to the answer. */
  readonly decidedMs: number
  readonly prepareMs: number
  readonly actualMs: number
  readonly deadlineMs?: number | undefined
}): RouteRecord {
  const { plan, outcome, decidedMs, actualMs, deadlineMs } = about
  const { backend, parts } = outcome.value
  // Predictions of what is left, as completion times from the request's start.
  const shift = <P extends Prediction>(prediction: P): P => ({
    ...prediction,
    meanMs: prediction.meanMs + decidedMs,
    p90Ms: prediction.p90Ms + decidedMs,
  })
  const { edge, cloud } = plan.predicted
  const { second } = plan
  const started =
    second !== undefined && outcome.attempts.some((attempt, index) => index > 0 && sameArm(attempt, second))
  return {
    id: about.id,
    model: about.manifest.name,
    revision: about.manifest.revision,
    startedAtMs: about.startedAtMs,
    ran: outcome.ran.arm,
    ...given({ endpoint: outcome.ran.endpoint, backend }),
    reason: outcome.reason,
    why: routeReasons[outcome.reason],
    predicted: { ...(edge && { edge: shift(edge) }), ...(cloud && { cloud: shift(cloud) }) },
    actualMs,
    parts: { prepareMs: about.prepareMs, ...parts },
    attempts: outcome.attempts,
    known: about.known,
    arms: plan.arms.map(shift),
    plan: {
      arm: plan.arm,
      ...given({ endpoint: plan.endpoint, second: second && { ...second, started } }),
    },
    ...given({
      other: otherOf(outcome),
      deadline: deadlineMs === undefined ? undefined : { ms: deadlineMs, met: actualMs <= deadlineMs },
    }),
  }
}
