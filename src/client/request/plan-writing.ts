import type { Manifest } from '../../contracts/manifest.ts'
import type { Prediction, Privacy, RouteKnowledge, RouteReason } from '../../contracts/route.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import { sentenceOf } from '../../routing/explain-route.ts'
import { readKnowledge } from './snapshot/knowledge.ts'
import { typicalBytes } from './snapshot/request-bytes.ts'
import type { RequestContext } from './snapshot/request-context.ts'
import { takeSnapshot } from './snapshot/take-snapshot.ts'

/** Where a text is written, and why. */
export interface WritingPlan {
  readonly reason: RouteReason
  readonly predicted: { readonly edge?: Prediction; readonly cloud?: Prediction }
  readonly known: RouteKnowledge
}

/**
 * Plans where a text is written: on this device, or nowhere. It is predicted as the time until a model that has read its
 * prompt gives a token.
 *
 * @throws {NoArmError} `no-arm`: this device can't
 */
export async function planWriting(
  context: RequestContext,
  manifest: Manifest,
  { privacy, deadlineMs }: { readonly privacy: Privacy; readonly deadlineMs?: number | undefined },
): Promise<WritingPlan> {
  const onlyEdge = { ...context, clouds: [] }
  const request = { privacy, deadlineMs, requestBytes: typicalBytes(manifest) }
  const knowledge = await readKnowledge(onlyEdge, manifest, privacy)
  const { snapshot, known, edgeLacks } = takeSnapshot(knowledge, manifest, request)
  const plan = context.router.peek(snapshot)
  if (plan.arm === undefined) throw new NoArmError('no-arm', [sentenceOf(plan), edgeLacks].filter(Boolean).join(' '))
  const reason = plan.reason === 'no-endpoint' && context.clouds.length > 0 ? 'no-text-endpoint' : plan.reason
  return { reason, predicted: plan.predicted, known }
}
