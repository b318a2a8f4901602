import type { Manifest } from '../../contracts/manifest.ts'
import type { Backend } from '../../contracts/model-state.ts'
import type { Privacy, RouteKnowledge } from '../../contracts/route.ts'
import type { Preparation } from '../../routing/learning/preparation-learner.ts'
import type { EdgeStatus } from '../../routing/router-types.ts'
import { given } from '../../utils/given.ts'
import { readKnowledge, refreshKnowledge } from './snapshot/knowledge.ts'
import { typicalBytes } from './snapshot/request-bytes.ts'
import type { RequestContext } from './snapshot/request-context.ts'
import { takeSnapshot } from './snapshot/take-snapshot.ts'

/** What is known, of this device and of what operators say, for a text that is to be written. */
export interface WritingKnowledge {
  readonly online: boolean
  readonly saveData: boolean
  readonly savePower: boolean
  readonly edge: {
    readonly status: EdgeStatus
    readonly cloudByDefault: boolean
    /** Where the model runs, or would; undefined where it can't run on this device. */
    readonly backend: Backend | undefined
    /** A run that reads one token, in milliseconds, as its warm-up says; undefined before. */
    readonly stepMs: number | undefined
    readonly waitMs: number
    /** Set while the model is not ready. */
    readonly preparation: Preparation | undefined
    /** What making the model ready anew would take, after its worker has died. */
    readonly reload: Preparation
    /** Why the model does not come to this device, as a sentence. */
    readonly lacks: string | undefined
  }
  /** The names of endpoints that their operators closed. */
  readonly closed: ReadonlySet<string>
  readonly roundTripMs: (endpoint: string) => number | undefined
  /** The part of it that a record shows. */
  readonly known: RouteKnowledge
}

/**
 * Reads what is known for a text.
 *
 * @param asks also asks the endpoints for what is not known freshly, and waits for none
 */
export async function knowWriting(
  context: RequestContext,
  manifest: Manifest,
  privacy: Privacy,
  asks: boolean,
): Promise<WritingKnowledge> {
  const knowledge = await (asks ? refreshKnowledge : readKnowledge)(context, manifest, privacy)
  const request = { privacy, requestBytes: typicalBytes(manifest) }
  const { snapshot, known, edgeLacks } = takeSnapshot(knowledge, manifest, request)
  const { status, cloudByDefault = false, waitMs = 0 } = snapshot.edge
  const stepMs = context.edge.loaded(manifest)?.warmupMs ?? context.edge.forecast(manifest)?.ms
  const left = known.preparation?.remainingBytes
  const { links } = known
  return {
    online: knowledge.online,
    saveData: knowledge.saveData,
    savePower: knowledge.savePower,
    edge: {
      status,
      cloudByDefault,
      backend: knowledge.edge.backend,
      stepMs,
      waitMs,
      preparation: status === 'ready' || left === undefined ? undefined : knowledge.edge.prepare(left, stepMs ?? 0),
      reload: knowledge.edge.prepare(0, stepMs ?? 0),
      lacks: edgeLacks,
    },
    closed: new Set(knowledge.closed.map(({ endpoint }) => endpoint)),
    roundTripMs: (endpoint) => links.find((link) => link.endpoint === endpoint)?.roundTripMs,
    known: { ...known, ...given({ notices: known.notices }) },
  }
}
