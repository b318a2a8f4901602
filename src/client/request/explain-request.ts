import type { Manifest } from '../../contracts/manifest.ts'
import type { Privacy } from '../../contracts/route.ts'
import { routeReasons } from '../../contracts/route-reasons.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import { sentenceOf } from '../../routing/explain-route.ts'
import { given } from '../../utils/given.ts'
import type { RouteExplanation } from '../types/client-types.ts'
import { readKnowledge } from './snapshot/knowledge.ts'
import { typicalBytes } from './snapshot/request-bytes.ts'
import type { RequestContext } from './snapshot/request-context.ts'
import { takeSnapshot } from './snapshot/take-snapshot.ts'

/**
 * Says where a request would run now, and why, by what is known now: it asks no endpoint, starts no poll and changes
 * no estimate. The shape's free dimensions are taken as 1.
 *
 * @throws {NoArmError} `no-arm`
 */
export async function explainRequest(
  context: RequestContext,
  manifest: Manifest,
  { privacy, deadlineMs }: { readonly privacy: Privacy; readonly deadlineMs?: number | undefined },
): Promise<RouteExplanation> {
  const request = { privacy, deadlineMs, requestBytes: typicalBytes(manifest) }
  const { snapshot, known } = takeSnapshot(await readKnowledge(context, manifest, privacy), manifest, request)
  const plan = context.router.peek(snapshot)
  if (plan.arm === undefined) throw new NoArmError('no-arm', sentenceOf(plan))
  const { arm, endpoint, reason, predicted, arms } = plan
  return {
    arm,
    reason,
    why: routeReasons[reason],
    predicted,
    arms,
    known,
    ...given({ endpoint, cascade: manifest.cascade }),
  }
}
