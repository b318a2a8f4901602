import { CloudError } from '../../../../errors/cloud-error.ts'
import type { Upstream } from '../../upstreams/upstream.ts'
import { createAnswerRecord } from '../answer/answer-record.ts'
import type { TextRequest } from '../answer/text-request.ts'
import { isAsAsked, type LegPlan } from './plan-leg.ts'
import { candidatesOf, describeAll } from './text-upstreams.ts'
import { type LegRequest, toEdit } from './to-edit.ts'

/** An upstream that a request may begin at. */
export interface FirstLeg {
  readonly upstream: Upstream
  readonly base: string
  /** What it writes goes on with what the client has begun; undefined: its answer is the client's. */
  readonly plan: LegPlan | undefined
  /** What it is asked instead of what the client has asked. */
  readonly asked: LegRequest | undefined
}

/**
 * The upstreams that a request may begin at, the best one first. Where the client asks to have an answer gone on with, that
 * is put into the words of each upstream, and those that would begin anew are left out.
 *
 * @param request undefined where it is not about one plain text
 * @throws {CloudError} `cloud-refused`, with `context.goOn`: none of them goes on with an answer
 */
export async function firstLegs(
  having: readonly Pick<FirstLeg, 'upstream' | 'base'>[],
  request: TextRequest | undefined,
  { model, signal, nowMs }: { readonly model: string; readonly signal: AbortSignal; readonly nowMs: number },
): Promise<readonly FirstLeg[]> {
  const asItIs = ({ upstream, base }: Pick<FirstLeg, 'upstream' | 'base'>): FirstLeg => {
    return { upstream, base, plan: undefined, asked: undefined }
  }
  if (request === undefined || (request.begun === '' && request.answerTokens === 0)) return having.map(asItIs)
  const record = createAnswerRecord(request)
  const known = await describeAll(having, model, { signal })
  const able = candidatesOf(known, request, record, { writer: 'client', model, mayCharge: true, nowMs })
  const legs = able.map((candidate): FirstLeg => {
    const { upstream, base, facts, plan } = candidate
    if (isAsAsked(plan, request, facts?.kind ?? 'unknown')) return asItIs(candidate)
    return { upstream, base, plan, asked: toEdit(request, record, plan, facts) }
  })
  // Of these it is not known: the client has asked for it, so it may know better.
  const others = known.filter(({ facts }) => facts === undefined || facts.waysKnown === 'no').map(asItIs)
  if (legs.length + others.length > 0) return [...legs, ...others]
  throw new CloudError(
    'cloud-refused',
    'No upstream with this model goes on with an answer that was begun elsewhere.',
    {
      context: { goOn: true },
    },
  )
}
