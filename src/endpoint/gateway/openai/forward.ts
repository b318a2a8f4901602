import type { FastifyReply } from 'fastify'
import { CloudError } from '../../../errors/cloud-error.ts'
import { isHitherError } from '../../../errors/hither-error.ts'
import { systemTimers, type Timers } from '../../../utils/with-deadline.ts'
import type { BodyEdit } from '../../codec/edit-body.ts'
import type { TextFields } from '../../codec/text-fields.ts'
import { untilHungUp } from '../../http/until-hung-up.ts'
import { readTextRequest } from '../continuing/answer/text-request.ts'
import { mostMoves, type StreamMove } from '../continuing/continue-stream.ts'
import { type Failure, toFailure } from '../continuing/failing/failure.ts'
import { createFaults } from '../continuing/failing/faults.ts'
import { createTries } from '../continuing/failing/tries.ts'
import { firstLegs } from '../continuing/legs/first-legs.ts'
import { joinWhole } from '../continuing/legs/join-whole.ts'
import { charges, statusFailure, wantsIdsFor } from '../continuing/legs/text-upstreams.ts'
import { createPaces, type StallLimits } from '../continuing/reading/pace.ts'
import { postInTime } from '../continuing/reading/post-in-time.ts'
import { isEvents } from '../continuing/reading/stream-form.ts'
import { openStream } from '../continuing/streams.ts'
import { byConversation, type UpstreamStatus } from '../upstreams/choose-upstream.ts'
import type { GatewayUpstreams } from '../upstreams/gateway-upstreams.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import type { OpenAiModels } from './openai-models.ts'
import { relayAnswer, relayStream } from './relay-answer.ts'

/** Errors of a connection that was never made: the upstream has seen nothing of the request. */
const neverSent: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

const withIds: BodyEdit = { fields: { return_token_ids: true } }

export interface ForwardOptions {
  readonly engine: GatewayUpstreams
  readonly models: OpenAiModels
  readonly now: () => number
  readonly onFault: (error: unknown, about: { readonly upstream: string; readonly model: string }) => void
  /** Streams whose upstream fails are continued at another one. Undefined: at any but those that charge. */
  readonly continues: boolean | undefined
  readonly stall: StallLimits
  readonly timers?: Timers | undefined
}

/** A request to be passed on. */
export interface Forwarded {
  /** Below the API's base. */
  readonly path: string
  readonly body: Uint8Array<ArrayBuffer>
  readonly model: string
  readonly conversation: string
  readonly fields: TextFields
  readonly edit: (body: Uint8Array<ArrayBuffer>, edit: BodyEdit) => Promise<Uint8Array<ArrayBuffer>>
  /** An upstream has the model. */
  readonly onModel: () => void
  readonly onMove: (move: StreamMove) => void
}

/**
 * Passes a request on to an upstream that has its model, and the answer to its client. It goes to another one only if the
 * first has certainly done nothing: it could not be reached, or it answered that it is overloaded. Generating twice would
 * cost twice. Only the stream of a text is begun, or gone on with, elsewhere whatever its upstream has done.
 *
 * @throws {CloudError} there is no such model; no upstream could be reached, or goes on with an answer that was begun
 */
export function createForward(
  options: ForwardOptions,
): (asked: Forwarded, reply: FastifyReply) => Promise<FastifyReply> {
  const { engine, models, now, onFault, continues, stall, timers = systemTimers } = options
  const paces = createPaces(stall)

  return async ({ path, body, model, conversation, fields, edit, onModel, onMove }, reply) => {
    const hungUp = untilHungUp(reply)
    const request = readTextRequest(path, fields)
    const found = await models.find(model)
    const ordered = conversation === '' ? found : inOrder(found, conversation, now())
    onModel()
    const having = await firstLegs(ordered, request, { model, signal: hungUp, nowMs: now() })
    const isContinued = request?.isStreamed === true && continues !== false
    const tries = createTries()
    const told = (upstream: Upstream, cause: unknown) => onFault(cause, { upstream: upstream.url, model })
    const faults = createFaults(engine, { now, onFault: told })
    const editOwn = async (change: BodyEdit | undefined) => (change === undefined ? body : edit(body, change))
    /** May this request be begun anew at the next one, which costs once more? */
    const mayMove = (index: number): boolean => {
      const next = having[index + 1]?.upstream
      return isContinued && index < mostMoves && next !== undefined && (continues === true || !charges(next, model))
    }
    let moves = 0
    let failure: unknown
    /** What is under way ends with the connection to the client. */
    const underWay = new Set<() => void>()
    reply.raw.once('close', () => {
      for (const end of underWay) end()
    })

    for (const [index, first] of having.slice(0, isContinued ? mostMoves + 1 : 2).entries()) {
      const { upstream, base, plan } = first
      const { state } = upstream
      const isLast = index === Math.min(having.length, isContinued ? mostMoves + 1 : 2) - 1
      const done = state.begin()
      underWay.add(done)
      const move = (failed: Failure) => {
        faults.note(upstream, failed)
        onMove({ reason: failed.reason, outcome: 'continued' })
        tries.failed(upstream, failed.reason, 0)
        moves += 1
        done()
      }
      try {
        const others = having.map((each) => each.upstream)
        const asksIds = isContinued && wantsIdsFor(request, model, upstream, others)
        const asked = first.asked ?? { path, edit: asksIds ? withIds : undefined, asksIds }
        const limitMs = mayMove(index) ? stall.firstMs : Number.POSITIVE_INFINITY
        const limit = { signal: hungUp, limitMs, timers }
        const response = await postInTime(upstream, `${base}/${asked.path}`, await editOwn(asked.edit), limit)
        if (response.status === 401) {
          // The refused token is the gateway's: the client must not be asked for a new one of its own.
          await response.body?.cancel()
          throw new CloudError('cloud-bad-response', 'The upstream did not accept this gateway.')
        }
        const busy = response.status === 429 || response.status === 503
        if (busy) {
          const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
          state.overloaded(now(), Number.isFinite(seconds) ? seconds * 1000 : undefined)
          if (!isLast) {
            await response.body?.cancel()
            done()
            continue
          }
        } else if ((response.status >= 500 || isPage(response)) && mayMove(index)) {
          await response.body?.cancel().catch(() => {})
          move(statusFailure(response))
          continue
        } else if (response.status === 502 || response.status === 504) engine.blame(upstream)
        if (request?.isStreamed === true && response.ok && isEvents(response) && (isContinued || plan !== undefined)) {
          const parts = {
            ...{ request, model, find: models.find, tries, edit: editOwn, mayCharge: continues === true },
            ...{ paces, stall, timers, now, hungUp, faults, onMove },
          }
          const leg = { upstream, response, plan, asksIds: asked.asksIds, end: done }
          await relayStream(response, reply, openStream(parts, leg, isContinued ? moves : mostMoves))
          return reply
        }
        const joined = plan === undefined || request === undefined ? undefined : { plan, request }
        await relayAnswer(
          response,
          reply,
          {
            onWhole: () => {
              if (response.ok) faults.whole(upstream)
            },
            onCut(cause) {
              if (hungUp.aborted) return
              engine.blame(upstream)
              told(upstream, cause)
            },
          },
          joined && ((answer) => joinWhole(answer, joined.plan, joined.request)),
        )
        return reply
      } catch (error) {
        done()
        hungUp.throwIfAborted()
        if (isHitherError(error)) throw error
        failure = error
        const wasSent = !neverSent.has(codeOf(error))
        if (wasSent && mayMove(index)) {
          move(toFailure(error))
          continue
        }
        engine.blame(upstream)
        told(upstream, error)
        if (wasSent) break
      }
    }
    throw new CloudError('cloud-unreachable', 'The upstream with this model could not be reached, or did not answer.', {
      cause: failure,
    })
  }
}

/** Neither an answer nor a refusal in the form of the API: a proxy's page, with status 200. */
const isPage = (response: Response): boolean =>
  response.ok && !isEvents(response) && !/\bjson\b/i.test(response.headers.get('content-type') ?? '')

/** The upstream that knows this conversation first. */
function inOrder<T extends { readonly upstream: UpstreamStatus }>(
  having: readonly T[],
  conversation: string,
  nowMs: number,
) {
  const upstreams = having.map(({ upstream }) => upstream)
  return byConversation(upstreams, conversation, nowMs).flatMap((chosen) =>
    having.filter(({ upstream }) => upstream === chosen),
  )
}

/** The system's code of a failed fetch: undici puts it into the cause. */
function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? cause.code : undefined
}
