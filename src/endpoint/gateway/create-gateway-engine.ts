import { toBaseUrl } from '../../cloud/base-url.ts'
import type { CloudCodec } from '../../cloud/cloud-run.ts'
import { modelPath } from '../../cloud/model-path.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { ConfigError } from '../../errors/config-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import type { TextServerKind } from '../../protocol/text-server/server-kind.ts'
import { openCodec } from '../codec/codec.ts'
import type { InferEngine, ServedModel } from '../engine/infer-engine.ts'
import { joinInTurns } from '../threads/join-in-turns.ts'
import { createGatewayAdmission } from './gateway-admission.ts'
import { createGatewayCapacity, createModelTimes } from './gateway-capacity.ts'
import { createRunAtUpstreams } from './run-at-upstreams.ts'
import { createServes, findServedModel, listServedModels } from './served-models.ts'
import { byLoad, mayEject, usableUpstreams } from './upstreams/choose-upstream.ts'
import type { GatewayUpstreams } from './upstreams/gateway-upstreams.ts'
import { createUpstream, type Upstream } from './upstreams/upstream.ts'
import { createUpstreamConnections } from './upstreams/upstream-connections.ts'
import { watchHealth } from './upstreams/watch-health.ts'

export interface GatewayOptions {
  /** Base addresses of the upstreams, without the `/v2`. */
  readonly upstreams: readonly string[]
  /** Bearer token that the gateway shows to its upstreams. The clients' own tokens are never passed on. */
  readonly token?: string | undefined
  /**
   * What the upstreams are that have the OpenAI API: one kind for all, or one for each in their order. Default: they are
   * asked.
   */
  readonly kinds?: readonly TextServerKind[]
  /**
   * May a few tokens be spent at each upstream to find out how it goes on with a half-finished answer? Default: not at
   * those of kinds that charge.
   */
  readonly probe?: boolean
  /** Requests under way at one upstream at a time; above it the gateway refuses. Default 64. */
  readonly maxInFlight?: number
  /** Runs that a stock engine does at a time: it does not report its capacity. Default 1. */
  readonly workersEach?: number
  /** Milliseconds between two checks of an upstream's health. Default 2,000. */
  readonly checkEveryMs?: number
  /** Milliseconds after which a run without a deadline of its own is given up. Default 30,000. */
  readonly runLimitMs?: number
  readonly now?: () => number
  readonly random?: () => number
  /** Called with the cause of failures, which clients are not given. */
  readonly onFault?: (error: unknown, about: { readonly upstream: string; readonly model: string }) => void
  /** Called with the cause when the thread for large bodies dies. */
  readonly onThreadFault?: (cause: unknown) => void
}

/** An engine whose models run at upstreams. The OpenAI routes share their health and load. */
export interface GatewayEngine extends InferEngine, GatewayUpstreams {}

/**
 * The gateway: sends requests to the least loaded healthy upstream, and to another one where that is safe. It resolves
 * once each upstream has been asked whether it is there; none needs to be.
 *
 * @throws {ConfigError} there is no upstream, one is there twice, or an address can't be one
 */
export async function createGatewayEngine(options: GatewayOptions): Promise<GatewayEngine> {
  const { maxInFlight = 64, workersEach = 1, checkEveryMs = 2_000, runLimitMs = 30_000, token } = options
  const { now = () => performance.now(), random = Math.random, onFault = () => {}, onThreadFault = () => {} } = options
  const urls = options.upstreams.map(toBaseUrl)
  if (urls.length === 0) throw new ConfigError('config-invalid', 'A gateway needs at least one upstream.')
  const twice = urls.find((url, index) => urls.indexOf(url) !== index)
  if (twice !== undefined) throw new ConfigError('config-invalid', `The upstream ${twice} is there twice.`)
  const { kinds = [], probe } = options
  if (kinds.length > 1 && kinds.length !== urls.length) {
    throw new ConfigError('config-invalid', `There are ${urls.length} upstreams and ${kinds.length} kinds of them.`)
  }
  const connections = createUpstreamConnections(maxInFlight)
  const bodies = openCodec(onThreadFault)
  const codec: CloudCodec = {
    encodeRequest: bodies.writeRequest,
    parseResponse: (body) => bodies.readAnswer(body as Uint8Array<ArrayBuffer>),
    join: joinInTurns,
  }
  const upstreams = urls.map((url, index) =>
    createUpstream({ url, connections, token, now, codec, probe, kind: kinds.length === 1 ? kinds[0] : kinds[index] }),
  )
  const closing = new AbortController()
  const times = createModelTimes()
  const underWay = new Set<Promise<unknown>>()
  /** Models that were found by a version: only these are asked for with one. */
  const pinned = new WeakSet<ServedModel>()

  const usable = () => usableUpstreams(upstreams, now())
  const capacity = createGatewayCapacity({ usable, workersEach, times, now })
  const blame = (upstream: Upstream) => {
    upstream.state.failed(now(), mayEject(upstreams, now()))
    // Finds out before the next regular check whether the upstream is gone.
    void upstream.check()
  }

  const admission = createGatewayAdmission({ usable, maxInFlight, checkEveryMs, now })
  const run = createRunAtUpstreams({ usable, admission, runLimitMs, now, random, blame, onFault })

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
    if (outcomes.length === 0) throw admission.noneReady()
    if (refused !== undefined) throw refused.reason
  }

  let closed: Promise<void> | undefined
  const close = async () => {
    await Promise.allSettled(underWay)
    closing.abort(new Error('the gateway is closing'))
    await connections.close()
    await bodies.close()
  }

  await watchHealth(upstreams, { everyMs: checkEveryMs, signal: closing.signal }).firstRound

  return {
    upstreams,
    usable: () => byLoad(usable(), { nowMs: now(), random }),
    blame,
    models: () => listServedModels(usable()),
    async find(name, version) {
      if (usable().length === 0) throw admission.noneReady()
      const model = await findServedModel(usable(), name, version)
      if (version !== undefined) pinned.add(model)
      return model
    },
    admit: (name, _, deadlineAtMs) => admission.admit(name, deadlineAtMs),
    async infer(request, signal) {
      const { model } = request
      // The upstream checks the inputs: no server's description says which of them are optional.
      admission.admit(model.name, request.deadlineAtMs)
      const startMs = now()
      const work = run(request, { withVersion: pinned.has(model), signal })
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
    serves: createServes(usable, now),
    stuckThreads: 0,
    close() {
      closed ??= close()
      return closed
    },
  }
}

/** The refused token is the gateway's: the client must not be asked for a new one of its own. */
function toGatewayError(error: unknown): unknown {
  if (!isHitherError(error) || error.code !== 'cloud-unauthorized') return error
  return new CloudError('cloud-bad-response', 'The upstream did not accept this gateway.', { cause: error })
}
