import { kindFacts } from '../../../../cloud/text/kind-facts.ts'
import type { TextModelFacts } from '../../../../cloud/text/text-server.ts'
import { goOnWays } from '../../../../protocol/text-server/go-on-way.ts'
import { abortable } from '../../../../utils/abortable.ts'
import { systemTimers, type Timers } from '../../../../utils/with-deadline.ts'
import { within } from '../../../../utils/within.ts'
import type { BodyEdit } from '../../../codec/edit-body.ts'
import type { Upstream } from '../../upstreams/upstream.ts'
import { type AnswerRecord, haveSameIds } from '../answer/answer-record.ts'
import type { TextRequest } from '../answer/text-request.ts'
import { type Failure, toFailure } from '../failing/failure.ts'
import type { Tries } from '../failing/tries.ts'
import { Stall } from '../reading/event-source.ts'
import { postInTime } from '../reading/post-in-time.ts'
import { isEvents } from '../reading/stream-form.ts'
import type { Leg } from './leg.ts'
import { givesIds, type LegPlan, planLeg } from './plan-leg.ts'
import { type LegRequest, toEdit } from './to-edit.ts'

/** Milliseconds that an upstream has to say how it goes on, while a client waits. */
const describeMs = 10_000
/** Upstreams that are asked to go on with one answer. */
const mostAsked = 4

/** An upstream that has the model, with what is known of it there. */
export interface TextUpstream {
  readonly upstream: Upstream
  readonly base: string
  /** Undefined where it could not say so in time. */
  readonly facts: TextModelFacts | undefined
}

/** Asks for the upstreams that have a model. @throws {CloudError} `cloud-model-missing` */
export type FindUpstreams = (model: string) => Promise<readonly Omit<TextUpstream, 'facts'>[]>

/** An upstream that can go on, and how. */
export interface Candidate extends TextUpstream {
  readonly plan: LegPlan
}

/** Is it of a kind that charges for tokens, as far as is known now? */
export function charges(upstream: Upstream, model: string): boolean {
  const kind = upstream.texts.known(model)?.kind ?? upstream.kind
  return kind !== undefined && kindFacts[kind].charges
}

/** What is known of these upstreams; what is not is asked for. */
export async function describeAll(
  having: readonly Omit<TextUpstream, 'facts'>[],
  model: string,
  options: { readonly signal: AbortSignal; readonly timers?: Timers },
): Promise<readonly TextUpstream[]> {
  const { signal, timers = systemTimers } = options
  return Promise.all(
    having.map(async ({ upstream, base }) => {
      const known = upstream.texts.known(model)
      const asked = () => within(upstream.texts.describe(model), describeMs, () => new Stall(describeMs), timers)
      const facts = known ?? (await abortable(asked(), signal).catch(() => undefined))
      return { upstream, base, facts }
    }),
  )
}

/** Those that can go on with an answer, the most exact ones first; none that has said that it is busy before others. */
export function candidatesOf(
  having: readonly TextUpstream[],
  request: TextRequest,
  record: AnswerRecord,
  options: {
    /** Who has written until now; `client`: it has given the beginning, by the tokenizer of whoever goes on. */
    readonly writer: TextModelFacts | 'client' | undefined
    readonly model: string
    readonly mayCharge: boolean
    readonly nowMs: number
  },
): readonly Candidate[] {
  const { writer, model, mayCharge, nowMs } = options
  const rank = ({ plan, upstream }: Candidate) =>
    (upstream.state.backingOff(nowMs) ? goOnWays.length : 0) + (plan.way === undefined ? 0 : goOnWays.indexOf(plan.way))
  return having
    .flatMap((each) => {
      if (!mayCharge && charges(each.upstream, model)) return []
      const plan = planLeg(request, record, each.facts, writer === 'client' ? each.facts : writer)
      return plan === undefined ? [] : [{ ...each, plan }]
    })
    .sort((a, b) => rank(a) - rank(b))
}

/** Should the first upstream be asked for ids, as another one could go on from them? Only what is known now counts. */
export function wantsIdsFor(
  request: TextRequest,
  model: string,
  upstream: Upstream,
  others: readonly Upstream[],
): boolean {
  const facts = upstream.texts.known(model)
  if (facts === undefined || !givesIds(facts) || request.wantsIds || request.hasTools || request.begun !== '')
    return false
  if (request.stops.length > 0 && facts.kind !== 'hither') return false
  return others.some((other) => {
    const known = other.texts.known(model)
    if (known === undefined || other === upstream || !known.ways.some(({ way }) => way === 'token-ids')) return false
    return haveSameIds(facts, known) && (request.stops.length === 0 || known.kind === 'hither')
  })
}

/** Who goes on where an upstream has failed. */
export interface NextLeg {
  /** Is there another one that can, where this one is silent? */
  exists(before: Upstream): Promise<boolean>
  /** The first that does: one that has not failed yet; else one that may be asked again. */
  open(before: Upstream, failure: Failure): Promise<Leg | undefined>
}

/** Has one upstream after the other asked to go on, until one does. */
export function createNextLeg(options: {
  readonly request: TextRequest
  readonly record: AnswerRecord
  readonly model: string
  /** The upstreams that have the model now. */
  readonly find: FindUpstreams
  readonly tries: Tries
  readonly edit: (edit: BodyEdit | undefined) => Promise<Uint8Array<ArrayBuffer>>
  readonly mayCharge: boolean
  /** Milliseconds until it begins to answer. */
  readonly firstMs: number
  readonly timers: Timers
  readonly now: () => number
  readonly hungUp: AbortSignal
  readonly onFailure: (upstream: Upstream, failure: Failure) => void
}): NextLeg {
  const { request, record, model, find, tries, edit, mayCharge, firstMs, timers, now, hungUp, onFailure } = options

  const open = async ({ upstream, base, facts, plan }: Candidate): Promise<Leg | Failure> => {
    const asked: LegRequest = toEdit(request, record, plan, facts)
    const end = upstream.state.begin()
    tries.begins(upstream, record.written)
    const fail = (failure: Failure): Failure => {
      end()
      tries.failed(upstream, failure.reason, record.written)
      if (!hungUp.aborted) onFailure(upstream, failure)
      return failure
    }
    try {
      const body = await edit(asked.edit)
      const limit = { signal: hungUp, limitMs: firstMs, timers }
      const response = await postInTime(upstream, `${base}/${asked.path}`, body, limit)
      if (response.ok && isEvents(response)) {
        record.begins(plan.way === undefined ? 'start' : plan.way === 'token-ids' ? 'ids' : 'text')
        // Where nothing was given on, its stream is the client's as it is.
        const isFirst = record.isEmpty && plan.way === undefined
        return { upstream, response, plan: isFirst ? undefined : plan, asksIds: asked.asksIds, end }
      }
      await response.body?.cancel().catch(() => {})
      return fail(statusFailure(response))
    } catch (cause) {
      return fail(toFailure(cause))
    }
  }

  /** Those that have not failed, or else may be asked again; the one that was asked last comes last. */
  const candidates = async (before: Upstream, last: Upstream, isSilent: boolean): Promise<readonly Candidate[]> => {
    const writer = before.texts.known(model)
    const having = await find(model).catch(() => [])
    const mayGoOn = async (may: (upstream: Upstream) => boolean) => {
      const able = having.filter(({ upstream }) => may(upstream))
      const known = await describeAll(able, model, { signal: hungUp })
      return candidatesOf(known, request, record, { writer, model, mayCharge, nowMs: now() })
    }
    const fresh = await mayGoOn((upstream) => upstream !== last && tries.isNew(upstream))
    if (fresh.length > 0) return fresh
    const again = await mayGoOn((upstream) => upstream !== last && tries.mayAgain(upstream, record.written, isSilent))
    return again.length > 0 ? again : mayGoOn((upstream) => upstream === last && tries.mayAtOnce(upstream))
  }

  return {
    exists: async (before) => (await candidates(before, before, true)).length > 0,
    async open(before, failure) {
      tries.failed(before, failure.reason, record.written)
      let [last, isSilent] = [before, failure.reason === 'stalled']
      for (let asked = 0; asked < mostAsked; asked += 1) {
        const [candidate] = await candidates(before, last, isSilent)
        if (candidate === undefined || hungUp.aborted) return undefined
        const begun = await open(candidate)
        if ('upstream' in begun) return begun
        last = candidate.upstream
        isSilent ||= begun.reason === 'stalled'
      }
      return undefined
    },
  }
}

/** An answer that is no stream of events. */
export function statusFailure(response: Response): Failure {
  const { status } = response
  const cause = new Error(`the upstream answered with status ${status}`)
  if (response.ok) return { reason: 'nonsense', cause, fault: 'upstream' }
  if (status === 429 || status === 503) return { reason: 'status', cause, fault: 'busy' }
  if (status < 500) return { reason: 'status', cause, fault: 'request' }
  return { reason: 'status', cause, fault: status === 502 || status === 504 ? 'upstream' : 'suspect' }
}
