import type { Arm, Privacy, RouteReason } from '../../contracts/route.ts'
import type { NoArmReason } from '../no-arm-reasons.ts'
import type { EdgeStatus } from '../router-types.ts'

/** The facts that the hard limits rest on. */
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

/** An arm that the limits leave no choice about, or a reason why none can take the request. */
export type LimitedRoute =
  | {
      readonly arm: Arm
      readonly reason: RouteReason
      /** Takes over when the arm fails. Absent where privacy, the network or the model leave no other arm. */
      readonly fallback?: Arm
    }
  | { readonly arm: undefined; readonly reason: NoArmReason }

/** The reason when the limits leave no arm. */
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

/** The reason when the edge is the only arm left. */
function whyOnlyEdge({ privacy, online, cloud, cloudClosed }: Limits): RouteReason {
  if (privacy === 'edge-only') return 'edge-only'
  if (cloud === undefined) return cloudClosed ? 'cloud-closed' : 'no-endpoint'
  return online ? 'cloud-lacks-model' : 'offline'
}

/**
 * The rules that need no comparison of times: privacy, the network, missing models, breakers, data saver, and the
 * user's preference. Undefined when both arms are left and their times are to be compared.
 */
export function limitRoute(limits: Limits): LimitedRoute | undefined {
  const { privacy, online, saveData, edge, cloud } = limits
  const isStored = edge.status === 'stored' || edge.status === 'loading' || edge.status === 'ready'
  const cloudCan = privacy !== 'edge-only' && cloud !== undefined && online && cloud.hasModel !== false
  const edgeCan = privacy !== 'cloud-only' && edge.status !== 'unavailable' && (isStored || online)

  if (!cloudCan && !edgeCan) return { arm: undefined, reason: whyNoArm(limits) }
  if (!cloudCan) return { arm: 'edge', reason: whyOnlyEdge(limits) }
  if (!edgeCan) return { arm: 'cloud', reason: privacy === 'cloud-only' ? 'cloud-only' : 'edge-unavailable' }
  // A fall-back to the edge would start the download that data saver avoids.
  if (saveData && edge.status === 'absent') return { arm: 'cloud', reason: 'data-saver-no-download' }

  const to = (arm: Arm, reason: RouteReason): LimitedRoute => ({
    arm,
    fallback: arm === 'edge' ? 'cloud' : 'edge',
    reason,
  })
  if (edge.breakerOpen !== cloud.breakerOpen) {
    return edge.breakerOpen ? to('cloud', 'edge-set-aside') : to('edge', 'cloud-set-aside')
  }
  if (edge.cloudByDefault && edge.status === 'absent' && privacy !== 'prefer-edge') {
    return to('cloud', 'cloud-by-default')
  }
  if (saveData && isStored) return to('edge', 'data-saver')
  if (privacy === 'prefer-edge' && edge.status === 'ready') return to('edge', 'prefer-edge')
  return undefined
}
