import type { CloudResult } from '../../cloud/cloud-run.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import type { Parameters as InferParameters } from '../../protocol/infer/infer-request.ts'
import { createTokenBucket } from '../../utils/token-bucket.ts'
import type { EngineRequest } from '../engine/infer-engine.ts'
import type { GatewayAdmission } from './gateway-admission.ts'
import { isGatewaysOwn, isUpstreamFault, mayRetry, retryBudget, sequenceOf } from './retry-rules.ts'
import { byKey, byLoad } from './upstreams/choose-upstream.ts'
import type { Upstream } from './upstreams/upstream.ts'

/** A request is run at one more upstream at most: a run that fails at two is likely to fail at all. */
const maxRuns = 2

/** Milliseconds: any run may take as long. */
const shortMs = 1_000

/**
 * Runs a request at the least loaded upstream that has its model, and once more at another one where that is safe.
 *
 * @throws {CloudError} `cloud-overloaded` when no upstream can take it, or the last upstream's failure
 * @throws the signal's reason when it aborts
 */
export type RunAtUpstreams = (
  request: EngineRequest,
  options: {
    /** Ask for the model's version: only where the client did, as KServe answers 501 to any. */
    readonly withVersion: boolean
    readonly signal: AbortSignal
  },
) => Promise<CloudResult>

export function createRunAtUpstreams(options: {
  readonly usable: () => readonly Upstream[]
  readonly admission: GatewayAdmission
  readonly runLimitMs: number
  readonly now: () => number
  readonly random: () => number
  /** Called when a failure was certainly this upstream's fault. */
  readonly blame: (upstream: Upstream) => void
  readonly onFault: (error: unknown, about: { readonly upstream: string; readonly model: string }) => void
}): RunAtUpstreams {
  const { usable, admission, runLimitMs, now, random, blame, onFault } = options
  const retries = createTokenBucket(retryBudget)
  const spendRetry = (): boolean => {
    if (retries.level < 1) return false
    retries.take()
    return true
  }

  /** @throws the last failure, or that there is no room, when there is no upstream to try */
  const choose = ({ model, parameters }: EngineRequest, tried: ReadonlySet<Upstream>, failure: unknown): Upstream => {
    const having = usable().filter((upstream) => upstream.has(model.name) !== false)
    const others = having.filter((upstream) => !tried.has(upstream))
    // A kept connection may have been closed just when it was used again: without another upstream, the same one is
    // asked on a new connection.
    const candidates = others.length === 0 && wasReset(failure) ? having : others
    const sequence = sequenceOf(parameters)
    const [upstream] =
      sequence === undefined
        ? byLoad(admission.withRoom(candidates), { nowMs: now(), random })
        : byKey(candidates, sequence)
    if (upstream !== undefined) return upstream
    throw failure ?? (candidates.length > 0 ? admission.full(candidates) : admission.noneReady())
  }

  const runAt = async (
    upstream: Upstream,
    request: EngineRequest,
    { withVersion, signal }: Parameters<RunAtUpstreams>[1],
  ): Promise<CloudResult> => {
    const { model, inputs, outputs, parameters, id, deadlineAtMs, traceparent } = request
    const timeoutMs = Math.max(1, Math.min(runLimitMs, (deadlineAtMs ?? Number.POSITIVE_INFINITY) - now()))
    const done = upstream.state.begin()
    try {
      const result = await upstream.arm.run(model.name, inputs, {
        signal,
        timeoutMs,
        parameters: forUpstream(parameters),
        // The upstreams are near: compressing would cost more than it saves.
        uplinkBitsPerSecond: Number.POSITIVE_INFINITY,
        ...(id === undefined ? {} : { id }),
        ...(outputs === undefined ? {} : { outputs }),
        ...(withVersion ? { version: model.version } : {}),
        ...(traceparent === undefined ? {} : { headers: { traceparent } }),
      })
      upstream.state.succeeded(result.timing.totalMs)
      return result
    } finally {
      done()
    }
  }

  return async (request, how) => {
    const { model, parameters } = request
    const tried = new Set<Upstream>()
    /** Upstreams that answered 500: it counts against one only if another upstream answers the same request. */
    const suspects: Upstream[] = []
    let failure: unknown
    let runs = 0
    retries.refill()
    for (;;) {
      const upstream = choose(request, tried, failure)
      if (runs > 0 && !spendRetry()) throw failure
      tried.add(upstream)
      const givenMs = (request.deadlineAtMs ?? Number.POSITIVE_INFINITY) - now()
      try {
        const result = await runAt(upstream, request, how)
        suspects.forEach(blame)
        return result
      } catch (error) {
        how.signal.throwIfAborted()
        failure = error
        onFault(error, { upstream: upstream.url, model: model.name })
        const code = isHitherError(error) ? error.code : undefined
        if (code === 'cloud-model-missing') {
          // It was unloaded since it was described. Nothing was run, so this does not count as a run.
          upstream.forget(model.name)
          continue
        }
        const wasCutShort = code === 'cloud-timeout' && isShort(givenMs, upstream)
        if (isUpstreamFault(error) && !wasCutShort) blame(upstream)
        else if (code === 'cloud-failed') suspects.push(upstream)
        else if (isHitherError(error) && code === 'cloud-overloaded' && !isGatewaysOwn(error)) {
          const { retryAfterMs } = error.context
          upstream.state.overloaded(now(), typeof retryAfterMs === 'number' ? retryAfterMs : undefined)
        }
        runs += 1
        if (runs === maxRuns || !mayRetry(error, parameters)) throw error
      }
    }
  }
}

/** Less time than a run may well take: that it was not enough is the client's doing, and no fault of the upstream's. */
const isShort = (givenMs: number, { state }: Upstream): boolean =>
  givenMs < Math.max(shortMs, 3 * (state.answerMs ?? 0))

const wasReset = (failure: unknown): boolean => isHitherError(failure) && failure.code === 'cloud-unreachable'

/** Left out: how outputs travel, and how much time is left. Both are said again for the upstream. */
function forUpstream({ binary_data_output: _, timeout: __, ...parameters }: InferParameters): InferParameters {
  return parameters
}
