import type { Arm, RouteReason } from '../../contracts/route.ts'
import type { RouterSnapshot } from '../router-types.ts'
import type { Candidate } from './arm-estimate.ts'

/** Two means that differ by less are said to be about the same. */
const aboutAsLong = 1.05

/** Why the arm was taken that costs less. @param kept the arm of the model's last request */
export function whyArm(
  snapshot: RouterSnapshot,
  arm: Arm,
  edge: Candidate,
  cloud: Candidate,
  kept: Arm | undefined,
): RouteReason {
  const { deadlineMs } = snapshot
  const taken = arm === 'edge' ? edge : cloud
  const left = arm === 'edge' ? cloud : edge
  if (taken.meanMs <= left.meanMs) {
    if (arm === 'edge') return 'edge-faster'
    return snapshot.edge.status === 'ready' ? 'cloud-faster' : 'edge-not-ready'
  }
  if (deadlineMs !== undefined && taken.p90Ms <= deadlineMs && left.p90Ms > deadlineMs) {
    return arm === 'edge' ? 'edge-in-time' : 'cloud-in-time'
  }
  if (taken.extraMs < left.extraMs) return arm === 'edge' ? 'edge-cheaper' : 'cloud-cheaper'
  if (kept === arm && taken.meanMs <= aboutAsLong * left.meanMs) {
    return arm === 'edge' ? 'kept-edge' : 'kept-cloud'
  }
  // Slower alone, it is the better start of two: the other one follows should it be needed.
  return arm === 'edge' ? 'edge-safer' : 'cloud-safer'
}
