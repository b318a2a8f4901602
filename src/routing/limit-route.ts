import type { Arm, Prediction, Privacy, RouteReason } from '../contracts/route.ts'
import { type LogNormal, p90Of } from '../utils/log-normal.ts'
import { comparableMeanMs } from './cost-models.ts'
import type { NoArmReason } from './no-arm-reasons.ts'

/** Where a model stands at the edge: `unavailable` is a model that this browser cannot run at all. */
export type EdgeStatus = 'absent' | 'downloading' | 'stored' | 'loading' | 'ready' | 'unavailable'

/** What the hard limits look at. */
interface Limits {
  readonly privacy: Privacy
  readonly online: boolean
  readonly saveData: boolean
  readonly edge: {
    readonly status: EdgeStatus
    readonly breakerOpen: boolean
    /** While it is absent, the model is left to the cloud. */
    readonly cloudByDefault?: boolean | undefined
  }
  /** The endpoint that is predicted best; absent when none is configured. */
  readonly cloud?: { readonly hasModel: boolean | 'unknown'; readonly breakerOpen: boolean } | undefined
  /** There are endpoints, but their operators closed them all. */
  readonly cloudClosed?: boolean | undefined
}

/** Predicted times of the arms for which there is a prediction. */
export interface Predictions {
  readonly edge?: Prediction
  readonly cloud?: Prediction
}

/** The arm that a request goes to, and the one that takes it over should that one fail. */
export interface Route {
  readonly arm: Arm
  /** Absent where privacy, the network or the model leave no other arm. */
  readonly fallback?: Arm
  readonly reason: RouteReason
  readonly predicted: Predictions
}

/** No arm can take the request. */
export interface NoRoute {
  readonly arm: undefined
  readonly reason: NoArmReason
  readonly predicted: Predictions
}

export type Decision = Route | NoRoute

/** The prediction as it is shown; undefined when it is none. */
export function toPrediction(time: LogNormal | undefined): Prediction | undefined {
  const meanMs = comparableMeanMs(time)
  if (time === undefined || meanMs === undefined) return undefined
  // Close to the largest number there is, the mean can still be one where the percentile is none.
  const p90Ms = p90Of(time)
  return Number.isFinite(p90Ms) ? { meanMs, p90Ms } : undefined
}

/** Why there is no arm, when the limits leave none. */
function whyNoArm({ privacy, online, edge, cloud, cloudClosed }: Limits): NoArmReason {
  const unavailable = edge.status === 'unavailable'
  if (privacy === 'edge-only') return unavailable ? 'edge-only-unavailable' : 'edge-only-offline'
  if (privacy === 'cloud-only') {
    if (cloud === undefined) return cloudClosed ? 'cloud-only-closed' : 'cloud-only-no-endpoint'
    return online ? 'cloud-only-lacks-model' : 'cloud-only-offline'
  }
  if (!online) return unavailable ? 'offline-edge-unavailable' : 'offline-model-absent'
  if (cloud !== undefined) return 'edge-unavailable-cloud-lacks-model'
  return cloudClosed ? 'edge-unavailable-cloud-closed' : 'edge-unavailable-no-endpoint'
}

/** Why the edge took it, when it is the only arm that could. */
function whyOnlyEdge({ privacy, online, cloud, cloudClosed }: Limits): RouteReason {
  if (privacy === 'edge-only') return 'edge-only'
  if (cloud === undefined) return cloudClosed ? 'cloud-closed' : 'no-endpoint'
  return online ? 'cloud-lacks-model' : 'offline'
}

/**
 * The rules that need no comparison of times: privacy, the network, what each arm lacks, breakers, data saver, and a
 * person's preference. Undefined when both arms are left and their times are to be compared.
 */
export function limitRoute(snapshot: Limits, predicted: Predictions): Decision | undefined {
  const { privacy, online, saveData, edge, cloud } = snapshot
  const isHere = edge.status === 'stored' || edge.status === 'loading' || edge.status === 'ready'
  const cloudCan = privacy !== 'edge-only' && cloud !== undefined && online && cloud.hasModel !== false
  const edgeCan = privacy !== 'cloud-only' && edge.status !== 'unavailable' && (isHere || online)

  if (!cloudCan && !edgeCan) return { arm: undefined, reason: whyNoArm(snapshot), predicted }
  if (!cloudCan) return { arm: 'edge', reason: whyOnlyEdge(snapshot), predicted }
  if (!edgeCan) return { arm: 'cloud', reason: privacy === 'cloud-only' ? 'cloud-only' : 'edge-unavailable', predicted }
  // A fall-back to the edge would start the very download that data saver is there to avoid.
  if (saveData && edge.status === 'absent') return { arm: 'cloud', reason: 'data-saver-no-download', predicted }

  const to = (arm: Arm, reason: RouteReason): Route => ({
    arm,
    fallback: arm === 'edge' ? 'cloud' : 'edge',
    reason,
    predicted,
  })
  if (edge.breakerOpen !== cloud.breakerOpen) {
    return edge.breakerOpen ? to('cloud', 'edge-set-aside') : to('edge', 'cloud-set-aside')
  }
  if (edge.cloudByDefault && edge.status === 'absent' && privacy !== 'prefer-edge') {
    return to('cloud', 'cloud-by-default')
  }
  if (saveData && isHere) return to('edge', 'data-saver')
  if (privacy === 'prefer-edge' && edge.status === 'ready') return to('edge', 'prefer-edge')
  return undefined
}
