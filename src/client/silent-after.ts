import type { ArmRef, RoutePlan } from '../routing/router-types.ts'

/** An endpoint may take this many times the 90th percentile of what was predicted, within these bounds. */
const silentAfterTimes = 10
const [leastMs, mostMs] = [5_000, 30_000]

/** Milliseconds after which an endpoint that has not answered a request counts as failed. */
export function silentAfterMs({ arms }: Pick<RoutePlan, 'arms'>, { arm, endpoint }: ArmRef): number {
  const predicted = arms.find((each) => each.arm === arm && each.endpoint === endpoint)
  return predicted === undefined ? mostMs : Math.min(mostMs, Math.max(leastMs, silentAfterTimes * predicted.p90Ms))
}
