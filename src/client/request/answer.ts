import type { Manifest } from '../../contracts/manifest.ts'
import type { Privacy } from '../../contracts/route.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { NoArmError } from '../../errors/no-arm-error.ts'
import { noArmReasons } from '../../routing/no-arm-reasons.ts'
import type { Background } from '../background/create-background.ts'
import { keptInTime, largerModelOf, runLarger } from './cascade.ts'
import { inTime, type RequestLimits } from './in-time.ts'
import type { ModelRun, PrepareInputs } from './model-run.ts'
import { runRequest } from './running/run-request.ts'
import type { RequestContext } from './snapshot/request-context.ts'

/** A request as the client got it, its options checked and the client's defaults filled in. */
export interface ClientRequest extends RequestLimits {
  readonly model: string
  readonly prepare: PrepareInputs
  readonly privacy: Privacy
  readonly deadlineMs?: number | undefined
  readonly transfer?: boolean | undefined
  /** May a larger model be asked where this one is not sure? */
  readonly cascade: boolean
  readonly startedAtMs: number
}

/** What answering takes beside the request itself. */
export interface AnswerParts {
  readonly context: RequestContext
  readonly background: Pick<Background, 'manifest'>
  /** The device is ready to be asked. Rejects once the client is closed. */
  readonly open: () => Promise<void>
}

/**
 * Answers a request: finds the model's manifest, prepares the inputs, runs the model, and, where it is not sure of its
 * answer and has a larger one, that one too. All within the request's time.
 *
 * @throws {ValidationError} the model is unknown or the inputs do not fit it
 * @throws {NoArmError} no arm could answer, or none in time
 * @throws the signal's reason
 */
export async function answer(parts: AnswerParts, request: ClientRequest): Promise<ModelRun> {
  const small = await inTime(request, async (signal) => {
    await parts.open()
    const manifest = await findManifest(parts, request)
    return runPrepared(parts.context, request, manifest, request.startedAt, signal)
  })
  // With `transfer`, the inputs are gone after the first run.
  if (small.manifest.cascade === undefined || !request.cascade || request.transfer === true) return small
  try {
    return await inTime(request, (signal) => runLargerModel(parts, request, small, signal))
  } catch (error) {
    // The time ended while the larger model was asked: the small one has answered in time.
    if (isHitherError(error) && error.code === 'deadline-exceeded') return keptInTime(small)
    throw error
  }
}

async function findManifest({ background, context }: AnswerParts, { model, privacy }: ClientRequest) {
  try {
    return await background.manifest(model)
  } catch (error) {
    throw whyNoManifest(error, context.watcher.online, privacy)
  }
}

/** @param from when preparing began, by `performance.now()` */
async function runPrepared(
  context: RequestContext,
  request: ClientRequest,
  manifest: Manifest,
  from: number,
  signal: AbortSignal,
): Promise<ModelRun> {
  const { prepare, privacy, deadlineMs, timeoutMs, startedAt, startedAtMs, transfer } = request
  const inputs = await prepare(manifest, signal)
  signal.throwIfAborted()
  const prepareMs = performance.now() - from
  const limits = { privacy, deadlineMs, timeoutMs, signal, startedAt, startedAtMs }
  return { ...(await runRequest(context, { manifest, inputs, prepareMs, transfer, ...limits })), manifest }
}

function runLargerModel(
  { context, background }: AnswerParts,
  request: ClientRequest,
  small: ModelRun,
  signal: AbortSignal,
): Promise<ModelRun> {
  const { privacy, deadlineMs, startedAt } = request
  const leftMs = () => deadlineMs && deadlineMs - (performance.now() - startedAt)
  const run = (manifest: Manifest) => runPrepared(context, request, manifest, performance.now(), signal)
  return runLarger(small, { larger: largerModelOf({ context, background, privacy, leftMs, run }), leftMs })
}

/**
 * The error of a request whose model's manifest can't be had: the catalogue's own, or, while there is no network and
 * none is remembered, what the person can do about it.
 */
export function whyNoManifest(error: unknown, online: boolean, privacy: Privacy): unknown {
  if (online || !isHitherError(error) || error.code !== 'catalog-unavailable') return error
  const reason =
    privacy === 'cloud-only' || privacy === 'edge-only' ? (`${privacy}-offline` as const) : 'offline-model-absent'
  return new NoArmError('no-arm', noArmReasons[reason], { cause: error })
}
