import { toBaseUrl } from '../../cloud/base-url.ts'
import type { CloudResult } from '../../cloud/create-cloud-arm.ts'
import { modelPath } from '../../cloud/model-path.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { ConfigError } from '../../errors/config-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import type { Parameters } from '../../protocol/infer-request.ts'
import type { EngineRequest, InferEngine, ServedModel } from '../engine/infer-engine.ts'
import { byKey, byLoad, mayEject, usableUpstreams } from './choose-upstream.ts'
import { createGatewayCapacity, createServiceTimes } from './gateway-capacity.ts'
import { createRetryBudget, isUpstreamFault, mayRetry, sequenceOf } from './retry-rules.ts'
import { findServedModel, listServedModels } from './served-models.ts'
import { createUpstream, type Upstream } from './upstream.ts'
import { createUpstreamFetch } from './upstream-fetch.ts'
import { watchHealth } from './watch-health.ts'

export interface GatewayOptions {
  /** Base addresses of the upstreams, without the `/v2`. */
  readonly upstreams: readonly string[]
  /** Bearer token that the gateway shows to its upstreams. The clients' own tokens are never passed on. */
  readonly token?: string | undefined
  /** Requests under way at one upstream at a time; above it the gateway refuses. Default 64. */
  readonly maxInFlight?: number
  /** Runs that a stock engine does at a time, for the capacity that it does not tell itself. Default 1. */
  readonly workersEach?: number
  /** Milliseconds between two checks of an upstream's health. Default 2,000. */
  readonly checkEveryMs?: number
  /** Milliseconds after which a run without a deadline of its own is given up. Default 30,000. */
  readonly runLimitMs?: number
  readonly fetch?: typeof globalThis.fetch
  readonly now?: () => number
  readonly random?: () => number
  /** Told of failures whose cause a client is not told. */
  readonly onFault?: (error: unknown, about: { readonly upstream: string; readonly model: string }) => void
}

/** An engine whose models run at upstreams. */
export interface GatewayEngine extends InferEngine {
  /** For the OpenAI routes, which share the upstreams' health and load. */
  readonly upstreams: readonly Upstream[]
  /** Those that may get requests now, the least loaded first. */
  usable(): readonly Upstream[]
  /** A request outside the protocol failed for this upstream's fault. */
  blame(upstream: Upstream): void
}

/** A request is tried at one more upstream at most: what fails at two is likely to fail at all. */
const maxAttempts = 2

/**
 * The gateway: sends requests to the least loaded healthy upstream, and to another one where that is safe. It resolves
 * once each upstream has been asked whether it is there; none needs to be.
 *
 * @throws {ConfigError} there is no upstream, one is there twice, or an address can't be one
 */
export async function createGatewayEngine(options: GatewayOptions): Promise<GatewayEngine> {
  const { maxInFlight = 64, workersEach = 1, checkEveryMs = 2_000, runLimitMs = 30_000, token } = options
  const { now = () => performance.now(), random = Math.random, onFault = () => {} } = options
  const urls = options.upstreams.map(toBaseUrl)
  if (urls.length === 0) throw new ConfigError('config-invalid', 'A gateway needs at least one upstream.')
  const twice = urls.find((url, index) => urls.indexOf(url) !== index)
  if (twice !== undefined) throw new ConfigError('config-invalid', `The upstream ${twice} is there twice.`)
  const pool = options.fetch === undefined ? createUpstreamFetch(maxInFlight) : undefined
  const fetch = options.fetch ?? pool?.fetch ?? globalThis.fetch
  const upstreams = urls.map((url) => createUpstream({ url, fetch, token, now }))
  const closing = new AbortController()
  const budget = createRetryBudget()
  const times = createServiceTimes()
  const underWay = new Set<Promise<unknown>>()
  /** Models that were found by a version: only these are asked for with one. */
  const pinned = new WeakSet<ServedModel>()

  const usable = () => usableUpstreams(upstreams, now())
  const capacity = createGatewayCapacity({ usable, workersEach, times, now })
  const blame = (upstream: Upstream) => {
    upstream.state.failed(now(), mayEject(upstreams, now()))
    // Requests that fail say sooner than the next check that it is gone.
    void upstream.check()
  }

  const roomAt = (candidates: readonly Upstream[]) => candidates.filter(({ state }) => state.inFlight < maxInFlight)
  const full = (candidates: readonly Upstream[]) => {
    const waits = candidates.flatMap(({ state }) => (state.answerMs === undefined ? [] : [state.answerMs]))
    return new CloudError(
      'cloud-overloaded',
      'All upstreams have as many requests as they are given; try again soon.',
      {
        context: { retryAfterMs: Math.ceil(Math.max(1_000, ...waits)) },
      },
    )
  }
  const nobody = () =>
    new CloudError('cloud-overloaded', 'No upstream is ready to serve; try again in a moment.', {
      context: { retryAfterMs: checkEveryMs },
    })

  const admit: InferEngine['admit'] = (name, _, deadlineAtMs) => {
    const candidates = usable().filter((upstream) => upstream.has(name) !== false)
    if (usable().length === 0) throw nobody()
    if (candidates.length === 0) return
    const free = roomAt(candidates)
    if (free.length === 0) throw full(candidates)
    if (deadlineAtMs === undefined) return
    // An idle upstream is always tried: its mean is of a time when it may have been slow for its load.
    const soonest = Math.min(...free.map(({ state }) => (state.inFlight === 0 ? 0 : (state.answerMs ?? 0))))
    if (now() + soonest <= deadlineAtMs) return
    throw new CloudError('cloud-overloaded', 'No upstream is expected to answer by the deadline.', {
      context: { retryAfterMs: Math.ceil(soonest) },
    })
  }

  const attempt = async (upstream: Upstream, request: EngineRequest, signal: AbortSignal): Promise<CloudResult> => {
    const { model, inputs, outputs, parameters, id, deadlineAtMs, traceparent } = request
    const timeoutMs = Math.max(1, Math.min(runLimitMs, (deadlineAtMs ?? Number.POSITIVE_INFINITY) - now()))
    const done = upstream.state.begin()
    try {
      const result = await upstream.arm.run(model.name, inputs, {
        signal,
        timeoutMs,
        parameters: forUpstream(parameters),
        // The upstreams are near: packing would cost more than it saves.
        uplinkBitsPerSecond: Number.POSITIVE_INFINITY,
        ...(id === undefined ? {} : { id }),
        ...(outputs === undefined ? {} : { outputs }),
        ...(pinned.has(model) ? { version: model.version } : {}),
        ...(traceparent === undefined ? {} : { headers: { traceparent } }),
      })
      upstream.state.succeeded(result.timing.totalMs)
      return result
    } finally {
      done()
    }
  }

  const run = async (request: EngineRequest, signal: AbortSignal): Promise<CloudResult> => {
    const { model, parameters } = request
    const sequence = sequenceOf(parameters)
    const tried = new Set<Upstream>()
    /** Upstreams that answered 500: theirs is the fault only if another one can. */
    const suspects: Upstream[] = []
    let failure: unknown
    let attempts = 0
    budget.earn()
    while (attempts < maxAttempts) {
      const having = usable().filter((upstream) => upstream.has(model.name) !== false)
      const others = having.filter((upstream) => !tried.has(upstream))
      // A kept connection may have been closed just when it was used again: without another upstream, the same one is
      // asked on a new connection.
      const candidates = others.length === 0 && wasReset(failure) ? having : others
      const free =
        sequence === undefined ? byLoad(roomAt(candidates), { nowMs: now(), random }) : byKey(candidates, sequence)
      const [upstream] = free
      if (upstream === undefined) throw failure ?? (candidates.length > 0 ? full(candidates) : nobody())
      if (attempts > 0 && !budget.spend()) throw failure
      tried.add(upstream)
      attempts += 1
      try {
        const result = await attempt(upstream, request, signal)
        suspects.forEach(blame)
        return result
      } catch (error) {
        signal.throwIfAborted()
        failure = error
        onFault(error, { upstream: upstream.url, model: model.name })
        if (isUpstreamFault(error)) blame(upstream)
        else if (isHitherError(error) && error.code === 'cloud-failed') suspects.push(upstream)
        else if (isHitherError(error) && error.code === 'cloud-overloaded') {
          const { retryAfterMs } = error.context
          upstream.state.overloaded(now(), typeof retryAfterMs === 'number' ? retryAfterMs : undefined)
        }
        // It was there when it was asked; another upstream may still have it, and no work was done here.
        if (isHitherError(error) && error.code === 'cloud-model-missing') {
          upstream.forget(model.name)
          attempts -= 1
        } else if (!mayRetry(error, parameters)) throw error
      }
    }
    throw failure
  }

  const everywhere = async (what: 'load' | 'unload', name: string): Promise<void> => {
    const path = `/v2/repository${modelPath(name).slice('/v2'.length)}/${what}`
    const headers = { 'Content-Type': 'application/json' }
    const body = new TextEncoder().encode('{}')
    const outcomes = await Promise.allSettled(
      usable().map(async (upstream) => {
        await upstream.send({ path, method: 'POST', headers, body, limitBytes: 64 * 1024, signal: closing.signal })
        upstream.forget(name)
      }),
    )
    const refused = outcomes.find((outcome) => outcome.status === 'rejected')
    if (outcomes.length === 0) throw nobody()
    if (refused !== undefined) throw refused.reason
  }

  let closed: Promise<void> | undefined
  const close = async () => {
    await Promise.allSettled(underWay)
    closing.abort(new Error('the gateway is closing'))
    await pool?.close()
  }

  await watchHealth(upstreams, { everyMs: checkEveryMs, signal: closing.signal }).firstRound

  return {
    upstreams,
    usable: () => byLoad(usable(), { nowMs: now(), random }),
    blame,
    models: () => listServedModels(usable()),
    async find(name, version) {
      if (usable().length === 0) throw nobody()
      const model = await findServedModel(usable(), name, version)
      if (version !== undefined) pinned.add(model)
      return model
    },
    admit,
    async infer(request, signal) {
      const { model } = request
      // Whether the inputs fit is the upstream's to say: no server's description tells which of them are optional.
      admit(model.name, undefined, request.deadlineAtMs)
      const startMs = now()
      const work = run(request, signal)
      underWay.add(work)
      try {
        const { outputs: tensors, timing } = await work
        const computeMs = timing.computeMs ?? timing.serverMs ?? timing.totalMs
        times.observe(model.name, model.version, computeMs)
        const queueMs = Math.max(0, now() - startMs - timing.totalMs) + (timing.queueMs ?? 0)
        return { outputs: tensors, queueMs, loadMs: 0, computeMs, batch: 1 }
      } catch (error) {
        throw toGatewayError(error)
      } finally {
        underWay.delete(work)
      }
    },
    load: (name) => everywhere('load', name),
    unload: (name) => everywhere('unload', name),
    capacity,
    get ready() {
      return usable().length > 0
    },
    stuckThreads: 0,
    close() {
      closed ??= close()
      return closed
    },
  }
}

const wasReset = (failure: unknown): boolean => isHitherError(failure) && failure.code === 'cloud-unreachable'

/** What the front has done itself is not said again: how outputs travel, and how much time is left. */
function forUpstream({ binary_data_output: _, timeout: __, ...parameters }: Parameters): Parameters {
  return parameters
}

/** A client has nothing to do with the token that the gateway shows its upstreams: it must not ask for a new one. */
function toGatewayError(error: unknown): unknown {
  if (!isHitherError(error) || error.code !== 'cloud-unauthorized') return error
  return new CloudError('cloud-bad-response', 'The upstream did not accept this gateway.', { cause: error })
}
