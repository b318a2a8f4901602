import { type CascadeOutcome, cascadeOutcomes } from '../../contracts/cascade.ts'
import type { Manifest } from '../../contracts/manifest.ts'
import type { RouteCascade, RouteRecord } from '../../contracts/route.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import type { CascadeSituation } from '../../routing/deciding/decide-cascade.ts'
import { decideCascade } from '../../routing/deciding/decide-cascade.ts'
import type { RunResult } from '../types/run-types.ts'

/** A request's result, and the model that it is of. */
export type Asked = RunResult & { readonly manifest: Manifest }

/** What asking the larger model takes. */
export interface LargerModel {
  /** @throws {HitherError} the catalogue does not have it */
  manifest(name: string): Promise<Manifest>
  /** How it would be run now, and whether its files are here. */
  look(manifest: Manifest): Pick<CascadeSituation, 'large' | 'largeIsHere'>
  run(manifest: Manifest): Promise<Asked>
  /** Has it come here for the next time, where that is allowed. Waits for nothing, never rejects. */
  fetchAhead(manifest: Manifest): void
}

const toCascade = (outcome: CascadeOutcome, large: string, minConfidence: number, small: Asked): RouteCascade => {
  const { model, revision, ran, endpoint, backend, actualMs } = small.route
  return {
    outcome,
    why: cascadeOutcomes[outcome],
    large,
    minConfidence,
    small: {
      model,
      revision,
      confidence: small.answer?.probability ?? Number.NaN,
      ran,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(backend === undefined ? {} : { backend }),
      actualMs,
    },
  }
}

const withCascade = (asked: Asked, cascade: RouteCascade): Asked => {
  const route: RouteRecord = { ...asked.route, cascade }
  return { ...asked, route }
}

/** The small model's answer, where the time ended before the large one's. */
export function keptInTime(small: Asked): Asked {
  const { cascade } = small.manifest
  if (cascade === undefined) return small
  return withCascade(small, toCascade('large-too-late', cascade.large, cascade.minConfidence, small))
}

/**
 * The cascade: where the small model is not sure of its answer, its larger one is asked. Whatever becomes of that, there
 * is an answer: the small one's stands when the large one can't be asked in time, or fails.
 *
 * @param options.leftMs milliseconds left for an answer, at the time of the call
 * @throws what is no error of Hither: an abort
 */
export async function askLarger(
  small: Asked,
  { larger, leftMs }: { readonly larger: LargerModel; readonly leftMs: () => number | undefined },
): Promise<Asked> {
  const { cascade } = small.manifest
  if (cascade === undefined || small.answer === undefined) return small
  const { large, minConfidence } = cascade
  const keepSmall = (outcome: CascadeOutcome) => withCascade(small, toCascade(outcome, large, minConfidence, small))
  const confidence = small.answer.probability
  if (confidence >= minConfidence) return keepSmall('confident')
  try {
    const manifest = await larger.manifest(large)
    const outcome = await decideCascade({ confidence, minConfidence, leftMs: leftMs(), ...larger.look(manifest) })
    if (outcome !== 'ask') {
      if (outcome === 'large-absent') larger.fetchAhead(manifest)
      return keepSmall(outcome)
    }
    const asked = await larger.run(manifest)
    return withCascade(asked, toCascade('large-answered', large, minConfidence, small))
  } catch (error) {
    if (!isHitherError(error) || error.code === 'client-closed') throw error
    return keepSmall(error.code === 'deadline-exceeded' ? 'large-too-late' : 'large-failed')
  }
}
