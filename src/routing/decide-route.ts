import type { Arm, Prediction, Privacy, RouteReason } from '../contracts/route.ts'
import { type LogNormal, p90Of } from '../utils/log-normal.ts'
import { comparableMeanMs } from './cost-models.ts'
import type { NoArmReason } from './no-arm-reasons.ts'

/** Where a model stands at the edge: `unavailable` is a model that this browser cannot run at all. */
export type EdgeStatus = 'absent' | 'downloading' | 'stored' | 'loading' | 'ready' | 'unavailable'

export interface EdgeArm {
  readonly status: EdgeStatus
  readonly breakerOpen: boolean
  /** While it is absent, the model is left to the cloud. */
  readonly cloudByDefault?: boolean | undefined
  /** Completion time in milliseconds, with what is left of download and compile. */
  readonly time?: LogNormal | undefined
}

export interface CloudArm {
  readonly hasModel: boolean | 'unknown'
  readonly breakerOpen: boolean
  /** Completion time in milliseconds. */
  readonly time?: LogNormal | undefined
}

/** All that a decision rests on. */
export interface RoutingSnapshot {
  readonly privacy: Privacy
  readonly online: boolean
  readonly saveData: boolean
  readonly deadlineMs?: number | undefined
  readonly edge: EdgeArm
  /** Absent when no endpoint is configured. */
  readonly cloud?: CloudArm | undefined
  /** Where the model's last request ran by choice. */
  readonly previous?: Arm | undefined
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

/** An arm is left for the other only when that is predicted to be faster by more than this share. */
const hysteresis = 1.05

/** The prediction as it is shown; undefined when it is none. */
export function toPrediction(time: LogNormal | undefined): Prediction | undefined {
  const meanMs = comparableMeanMs(time)
  if (time === undefined || meanMs === undefined) return undefined
  // Close to the largest number there is, the mean can still be one where the percentile is none.
  const p90Ms = p90Of(time)
  return Number.isFinite(p90Ms) ? { meanMs, p90Ms } : undefined
}

/** Why there is no arm, when the limits leave none. */
function whyNoArm({ privacy, online, edge, cloud }: RoutingSnapshot): NoArmReason {
  const unavailable = edge.status === 'unavailable'
  if (privacy === 'edge-only') return unavailable ? 'edge-only-unavailable' : 'edge-only-offline'
  if (privacy === 'cloud-only') {
    if (cloud === undefined) return 'cloud-only-no-endpoint'
    return online ? 'cloud-only-lacks-model' : 'cloud-only-offline'
  }
  if (!online) return unavailable ? 'offline-edge-unavailable' : 'offline-model-absent'
  return cloud === undefined ? 'edge-unavailable-no-endpoint' : 'edge-unavailable-cloud-lacks-model'
}

/** Why the edge took it, when it is the only arm that could. */
function whyOnlyEdge({ privacy, online, cloud }: RoutingSnapshot): RouteReason {
  if (privacy === 'edge-only') return 'edge-only'
  if (cloud === undefined) return 'no-endpoint'
  return online ? 'cloud-lacks-model' : 'offline'
}

/** The arm that costs less time, and why. Called only when both could take the request. */
function compareArms({ deadlineMs, edge, previous }: RoutingSnapshot, predicted: Predictions): [Arm, RouteReason] {
  const isReady = edge.status === 'ready'
  const edgeMs = predicted.edge?.meanMs ?? Number.POSITIVE_INFINITY
  const cloudMs = predicted.cloud?.meanMs ?? Number.POSITIVE_INFINITY

  if (deadlineMs !== undefined) {
    const edgeInTime = (predicted.edge?.p90Ms ?? Number.POSITIVE_INFINITY) <= deadlineMs
    const cloudInTime = (predicted.cloud?.p90Ms ?? Number.POSITIVE_INFINITY) <= deadlineMs
    if (edgeInTime && !cloudInTime && edgeMs > cloudMs) return ['edge', 'edge-in-time']
    if (cloudInTime && !edgeInTime && cloudMs > edgeMs) return ['cloud', 'cloud-in-time']
  }

  // Nothing is known of either: what is ready answers.
  if (edgeMs === Number.POSITIVE_INFINITY && cloudMs === Number.POSITIVE_INFINITY) {
    return isReady ? ['edge', 'edge-faster'] : ['cloud', 'edge-not-ready']
  }
  if (previous === 'cloud' && cloudMs >= edgeMs && cloudMs / hysteresis <= edgeMs) return ['cloud', 'kept-cloud']
  if (previous === 'edge' && edgeMs > cloudMs && edgeMs / hysteresis <= cloudMs) return ['edge', 'kept-edge']
  if (edgeMs <= cloudMs) return ['edge', 'edge-faster']
  return ['cloud', isReady ? 'cloud-faster' : 'edge-not-ready']
}

/**
 * The rules that need no comparison of times: privacy, the network, what each arm lacks, breakers, data saver, and a
 * person's preference. Undefined when both arms are left and their times are to be compared.
 */
export function limitRoute(snapshot: RoutingSnapshot, predicted: Predictions): Decision | undefined {
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

/** The predictions of a snapshot, as they are shown. */
export function predictionsOf({ edge, cloud }: RoutingSnapshot): Predictions {
  const [edgeTime, cloudTime] = [toPrediction(edge.time), toPrediction(cloud?.time)]
  return {
    ...(edgeTime === undefined ? {} : { edge: edgeTime }),
    ...(cloudTime === undefined ? {} : { cloud: cloudTime }),
  }
}

/**
 * Decides where a request runs: the hard limits first, then the smaller expected time, with hysteresis. The result
 * depends on the snapshot alone.
 */
export function decideRoute(snapshot: RoutingSnapshot): Decision {
  const predicted = predictionsOf(snapshot)
  const limited = limitRoute(snapshot, predicted)
  if (limited !== undefined) return limited
  const [arm, reason] = compareArms(snapshot, predicted)
  return { arm, fallback: arm === 'edge' ? 'cloud' : 'edge', reason, predicted }
}
