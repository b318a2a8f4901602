import type { Manifest } from '../../contracts/manifest.ts'
import type { Privacy } from '../../contracts/route.ts'
import { routeReasons } from '../../contracts/route-reasons.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import { sentenceOf } from '../../routing/explain-route.ts'
import type { RouteExplanation } from '../types/client-types.ts'
import { typicalBytes } from './request-bytes.ts'
import type { RequestParts } from './request-context.ts'
import { takeSnapshot } from './take-snapshot.ts'

/**
 * Says where a request would run now, and why, without running it: the shape's free dimensions are taken as 1.
 *
 * @throws {NoArmError} `no-arm`
 */
export async function explainRequest(
  parts: RequestParts,
  manifest: Manifest,
  { privacy, deadlineMs }: { readonly privacy: Privacy; readonly deadlineMs?: number | undefined },
): Promise<RouteExplanation> {
  const { snapshot, known } = await takeSnapshot(parts, manifest, {
    privacy,
    deadlineMs,
    requestBytes: typicalBytes(manifest),
  })
  const plan = parts.router.peek(snapshot)
  if (plan.arm === undefined) throw new NoArmError('no-arm', sentenceOf(plan))
  const { arm, endpoint, reason, predicted, arms } = plan
  return {
    arm,
    reason,
    why: routeReasons[reason],
    predicted,
    ...(endpoint === undefined ? {} : { endpoint }),
    arms,
    known,
    ...(manifest.cascade === undefined ? {} : { cascade: manifest.cascade }),
  }
}
