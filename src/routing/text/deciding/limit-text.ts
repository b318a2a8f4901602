import type { Arm, RouteReason } from '../../../contracts/route.ts'
import { limitRoute } from '../../deciding/limit-route.ts'
import type { NoTextReason, TextCloudOption, TextSnapshot } from '../text-types.ts'

/** Why an arm can't write this text, however fast it is. */
type Barrier = 'context' | 'memory' | 'lacks'

export type LimitedText =
  | { readonly arm: Arm; readonly reason: RouteReason; readonly fallback?: Arm }
  | { readonly arm: undefined; readonly reason: NoTextReason }

const unlimited = Number.POSITIVE_INFINITY

/** Does a context hold the prompt and the answer as it is expected? Without `answerTokens`: and one token of it? */
const holds = (contextTokens: number | undefined, promptTokens: number, answerTokens = 1) =>
  promptTokens + answerTokens <= (contextTokens ?? unlimited)

function edgeBarrier({ edge, promptTokens, leastPromptTokens, maxTokens }: TextSnapshot): Barrier | undefined {
  if (edge.lacks) return 'lacks'
  if (!holds(edge.contextTokens, leastPromptTokens ?? promptTokens)) return 'context'
  // Keys and values are kept for all of it; running out of memory in its midst can end the tab.
  const most = Math.min(promptTokens + maxTokens, edge.contextTokens ?? unlimited)
  return most > (edge.memoryTokens ?? unlimited) ? 'memory' : undefined
}

/** Endpoints that can write this text, and why the others can't. */
export function usableClouds(snapshot: TextSnapshot): {
  readonly able: readonly TextCloudOption[]
  readonly barrier?: Barrier
} {
  const { clouds, promptTokens, leastPromptTokens = promptTokens } = snapshot
  const able = clouds.filter(({ lacks, contextTokens }) => !lacks && holds(contextTokens, leastPromptTokens))
  if (able.length > 0 || clouds.length === 0) return { able }
  return { able, barrier: clouds.some(({ lacks }) => !lacks) ? 'context' : 'lacks' }
}

const whyEdgeCannot: Readonly<Record<Barrier, RouteReason>> = {
  context: 'context-too-long',
  memory: 'memory-too-small',
  lacks: 'edge-lacks',
}
const whyCloudCannot: Readonly<Record<Barrier, RouteReason>> = {
  context: 'cloud-context-too-long',
  memory: 'cloud-context-too-long',
  lacks: 'cloud-lacks',
}
const whyNobody: Readonly<Record<Barrier, NoTextReason>> = {
  context: 'text-too-long',
  memory: 'text-beyond-memory',
  lacks: 'text-lacks',
}

/**
 * The rules that need no comparison of times: what each arm can't do (context, memory, tools), then those of every request
 * (privacy, the network, data saver, breakers, the user's preference). Undefined when both arms are left.
 *
 * @param breakers whether each side is set aside; the cloud is when all its able endpoints are
 */
export function limitText(
  snapshot: TextSnapshot,
  able: ReturnType<typeof usableClouds>,
  breakers: { readonly edgeOpen: boolean; readonly cloudOpen: boolean },
  answerTokens: number,
): LimitedText | undefined {
  const { edge, clouds, promptTokens, privacy } = snapshot
  const barrier = edgeBarrier(snapshot)
  const [bestCloud = clouds[0]] = able.able
  const cloudCan = able.able.some(({ hasModel }) => hasModel !== false)
  const limited = limitRoute({
    ...snapshot,
    edge: {
      status: barrier === undefined ? edge.status : 'unavailable',
      breakerOpen: breakers.edgeOpen,
      cloudByDefault: edge.cloudByDefault,
    },
    cloud: bestCloud && {
      hasModel: cloudCan ? true : able.barrier === undefined ? bestCloud.hasModel : false,
      breakerOpen: breakers.cloudOpen,
    },
  })
  if (limited === undefined) {
    // Both can begin: one that has no room for the answer gives way to one that has.
    const edgeHolds = holds(edge.contextTokens, promptTokens, answerTokens)
    const cloudHolds = able.able.some(({ contextTokens }) => holds(contextTokens, promptTokens, answerTokens))
    if (edgeHolds === cloudHolds) return undefined
    return edgeHolds
      ? { arm: 'edge', fallback: 'cloud', reason: 'cloud-context-too-long' }
      : { arm: 'cloud', fallback: 'edge', reason: 'context-too-long' }
  }
  if (limited.arm === undefined) {
    const own = privacy === 'cloud-only' ? able.barrier : (barrier ?? able.barrier)
    // A browser that can't run the model at all, or is offline, is the nearer reason.
    const isOwn = own !== undefined && (own !== barrier || edge.status !== 'unavailable')
    return isOwn ? { arm: undefined, reason: whyNobody[own] } : limited
  }
  if (limited.reason === 'edge-unavailable' && barrier !== undefined && edge.status !== 'unavailable') {
    return { ...limited, reason: whyEdgeCannot[barrier] }
  }
  if (limited.reason === 'cloud-lacks-model' && able.barrier !== undefined) {
    return { ...limited, reason: whyCloudCannot[able.barrier] }
  }
  return limited
}
