import type { ArmRef, RoutePlan } from '../../../routing/router-types.ts'

/** An endpoint may take this many times the 90th percentile of what was predicted, within these bounds. */
const silentAfterTimes = 10
const [leastMs, mostMs] = [5_000, 30_000]

/** The 90th percentile of what was predicted: a request that takes longer is slow. */
export const slowAfterMs = ({ arms }: Pick<RoutePlan, 'arms'>, { arm, endpoint }: ArmRef): number | undefined =>
  arms.find((each) => each.arm === arm && each.endpoint === endpoint)?.p90Ms

/** Milliseconds after which an endpoint that has not answered a request counts as failed. */
export function silentAfterMs(plan: Pick<RoutePlan, 'arms'>, ref: ArmRef): number {
  const p90Ms = slowAfterMs(plan, ref)
  return p90Ms === undefined ? mostMs : Math.min(mostMs, Math.max(leastMs, silentAfterTimes * p90Ms))
}

/** A run on the edge may take this many times the predicted time, and at least the least, before its worker counts as hung. */
const hungAfterTimes = 20
const hungAfterLeastMs = 10_000

/** Awake milliseconds after which a run that was predicted to take `predictedMs` counts as hung. */
export const hungAfterMs = (predictedMs: number): number => Math.max(hungAfterLeastMs, hungAfterTimes * predictedMs)
