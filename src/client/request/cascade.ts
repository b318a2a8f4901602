import { type CascadeOutcome, cascadeOutcomes } from '../../contracts/cascade.ts'
import type { Manifest } from '../../contracts/manifest.ts'
import type { Privacy, RouteCascade, RouteRecord } from '../../contracts/route.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { type CascadeSituation, decideCascade } from '../../routing/deciding/decide-cascade.ts'
import { given } from '../../utils/given.ts'
import type { Background } from '../background/create-background.ts'
import type { ModelRun } from './model-run.ts'
import { readKnowledge } from './snapshot/knowledge.ts'
import { typicalBytes } from './snapshot/request-bytes.ts'
import type { RequestContext } from './snapshot/request-context.ts'
import { takeSnapshot } from './snapshot/take-snapshot.ts'

/** The larger model, as the cascade sees it. */
export interface LargerModel {
  /** @throws {HitherError} the catalogue does not have it */
  manifest(name: string): Promise<Manifest>
  /** How it would be run now, and whether its files are on this device. Looks, and changes nothing. */
  look(manifest: Manifest): Pick<CascadeSituation, 'large' | 'largeIsHere'>
  run(manifest: Manifest): Promise<ModelRun>
  /** Downloads it for the next time, where that is allowed. Waits for nothing, never rejects. */
  fetchAhead(manifest: Manifest): void
}

const toCascade = (outcome: CascadeOutcome, large: string, minConfidence: number, small: ModelRun): RouteCascade => {
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
      ...given({ endpoint, backend }),
      actualMs,
    },
  }
}

const withCascade = (run: ModelRun, cascade: RouteCascade): ModelRun => {
  const route: RouteRecord = { ...run.route, cascade }
  return { ...run, route }
}

/** The small model's answer, where the time ended before the large one's. */
export function keptInTime(small: ModelRun): ModelRun {
  const { cascade } = small.manifest
  if (cascade === undefined) return small
  return withCascade(small, toCascade('large-too-late', cascade.large, cascade.minConfidence, small))
}

/**
 * The cascade: where the small model is not sure of its answer, its larger one is run. The
 * small one's answer stands when the large one can't be asked in time, or fails.
 *
 * @param options.leftMs milliseconds left for an answer, at the time of the call
 * @throws what is no error of Hither: an abort
 */
export async function runLarger(
  small: ModelRun,
  { larger, leftMs }: { readonly larger: LargerModel; readonly leftMs: () => number | undefined },
): Promise<ModelRun> {
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
    return withCascade(await larger.run(manifest), toCascade('large-answered', large, minConfidence, small))
  } catch (error) {
    if (!isHitherError(error) || error.code === 'client-closed') throw error
    return keepSmall(error.code === 'deadline-exceeded' ? 'large-too-late' : 'large-failed')
  }
}

/** The larger model of a request whose small one has answered. */
export function largerModelOf(about: {
  readonly context: RequestContext
  readonly background: Pick<Background, 'manifest'>
  readonly privacy: Privacy
  readonly leftMs: () => number | undefined
  readonly run: (manifest: Manifest) => Promise<ModelRun>
}): LargerModel {
  const { context, background, privacy, run, leftMs } = about
  return {
    manifest: (name) => background.manifest(name),
    look: (manifest) => ({
      async large() {
        const knowledge = await readKnowledge(context, manifest, privacy)
        const request = { privacy, deadlineMs: leftMs(), requestBytes: typicalBytes(manifest) }
        return context.router.peek(takeSnapshot(knowledge, manifest, request).snapshot)
      },
      async largeIsHere() {
        const { status } = await context.edgeModels.state(manifest)
        return status === 'stored' || status === 'loading' || status === 'ready'
      },
    }),
    run,
    fetchAhead(manifest) {
      const { online, saveData } = context.watcher
      // A model that is the cloud's is downloaded only when the person asks for that.
      if (manifest.defaultArm === 'cloud' && privacy !== 'prefer-edge') return
      if (!online || privacy === 'cloud-only' || (saveData && !context.downloadOnMetered)) return
      void context.edgeModels.prepare(manifest, { priority: 'background' }).catch(() => {})
    },
  }
}
