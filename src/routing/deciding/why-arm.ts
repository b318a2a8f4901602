import type { Arm, RouteReason } from '../../contracts/route.ts'
import type { RouterSnapshot } from '../router-types.ts'
import type { ArmEstimate } from './arm-estimate.ts'

/** Means that differ by less than this factor count as about the same. */
const aboutAsLong = 1.05

/** The reason to show for the arm that the cheapest plan starts on. */
export function whyArm({
  snapshot,
  arm,
  edge,
  cloud,
  lastArm,
}: {
  readonly snapshot: RouterSnapshot
  readonly arm: Arm
  readonly edge: ArmEstimate
  readonly cloud: ArmEstimate
  /** The arm that the model's last request started on. */
  readonly lastArm: Arm | undefined
}): RouteReason {
  const { deadlineMs } = snapshot
  const [taken, left] = arm === 'edge' ? [edge, cloud] : [cloud, edge]
  if (taken.meanMs <= left.meanMs) {
    if (arm === 'edge') return 'edge-faster'
    return snapshot.edge.status === 'ready' ? 'cloud-faster' : 'edge-not-ready'
  }
  if (deadlineMs !== undefined && taken.p90Ms <= deadlineMs && left.p90Ms > deadlineMs) return `${arm}-in-time`
  if (taken.extraMs < left.extraMs) return `${arm}-cheaper`
  if (lastArm === arm && taken.meanMs <= aboutAsLong * left.meanMs) return `kept-${arm}`
  // Slower on its own, it is the better start of a hedged pair: the other arm follows if needed.
  return `${arm}-safer`
}
