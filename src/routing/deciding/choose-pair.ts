import type { Accounts } from '../accounts/accounts.ts'
import { toArmRef } from '../arm-ref.ts'
import type { routerSettings } from '../router-settings.ts'
import type { RouterSnapshot, SecondRun } from '../router-types.ts'
import type { ArmEstimate } from './arm-estimate.ts'
import type { ShouldExplore } from './explorer.ts'
import { type ArmCosts, createPairPlanner } from './pair-planner.ts'

export interface PairChoice {
  /** The arm that starts. */
  readonly first: ArmEstimate
  /** The hedge or exploring run on the other arm, if there is to be one. */
  readonly second: SecondRun | undefined
}

export type ChoosePair = (request: {
  readonly snapshot: RouterSnapshot
  readonly arms: readonly [ArmEstimate, ArmEstimate]
  readonly nowMs: number
  /** False when the plan will not run: then no random number is drawn. */
  readonly mayExplore: boolean
}) => PairChoice

const never = Number.POSITIVE_INFINITY

/** Chooses which of two arms starts, and whether and when the other one follows. */
export function createPairChooser(parts: {
  readonly accounts: Accounts
  readonly shouldExplore: ShouldExplore
  readonly settings: typeof routerSettings
  /** A factor: the model's last arm is kept unless the other one is better by more than it. */
  readonly hysteresis: number
}): ChoosePair {
  const { accounts, shouldExplore, settings, hysteresis } = parts
  const { waste, arrivals } = accounts
  const planPair = createPairPlanner()

  return ({ snapshot, arms: [a, b], nowMs, mayExplore }) => {
    if (a.time === undefined || b.time === undefined) {
      const bothUnknown = a.time === undefined && b.time === undefined
      const takeA = bothUnknown ? a.arm === 'cloud' || snapshot.edge.status === 'ready' : b.time === undefined
      return { first: takeA ? a : b, second: undefined }
    }
    const { status, busyMs = 0, waitMs = 0 } = snapshot.edge
    const edgeMayFollow = status === 'ready' && snapshot.savePower !== true
    const mayRunTwice = snapshot.once !== true && (a.arm !== 'edge' || edgeMayFollow)
    const scaleMs = Math.min(a.meanMs, b.meanMs)
    const lastArm = accounts.lastArmOf(snapshot.model)
    const costsOf = ({ arm, extraMs }: ArmEstimate, other: ArmEstimate): ArmCosts => ({
      extraMs:
        extraMs +
        (arm === 'edge' ? settings.delayPrice * arrivals.delayOf(busyMs, waitMs) : 0) +
        (lastArm === other.arm && arm !== other.arm ? (hysteresis - 1) * scaleMs : 0),
      wastedMs: waste.priceOf(arm, scaleMs),
      mayFollow: mayRunTwice && waste.mayFollow(other.arm, arm),
      outlier: arm === 'edge' ? settings.edgeOutlier : settings.cloudOutlier,
    })
    const best = planPair(a.time, b.time, {
      first: costsOf(a, b),
      other: costsOf(b, a),
      tailWeight: settings.tailWeight * arrivals.spareOf(busyMs),
      deadlineMs: snapshot.deadlineMs ?? never,
      lateMs: snapshot.deadlineMs ?? 0,
    })
    let [first, other] = best.firstStarts ? [a, b] : [b, a]
    // When both start at once, the plan names the arm that is expected to answer.
    if (best.afterMs === 0 && other.meanMs < first.meanMs && waste.mayFollow(other.arm, first.arm)) {
      ;[first, other] = [other, first]
    }
    if (mayExplore && mayRunTwice && shouldExplore({ snapshot, first, other, nowMs, tokens: waste.tokens })) {
      return { first, second: { ...toArmRef(other), afterMs: 0, purpose: 'explore' } }
    }
    const { afterMs } = best
    return { first, second: afterMs < never ? { ...toArmRef(other), afterMs, purpose: 'hedge' } : undefined }
  }
}
