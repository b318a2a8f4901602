import { kindFacts } from '../../../../cloud/text/kind-facts.ts'
import { type GoOnPlan, planGoOn } from '../../../../cloud/text/plan-go-on.ts'
import type { TextModelFacts } from '../../../../cloud/text/text-server.ts'
import type { GoOnWay } from '../../../../protocol/text-server/go-on-way.ts'
import type { TextServerKind } from '../../../../protocol/text-server/server-kind.ts'
import { type AnswerRecord, haveSameIds } from '../answer/answer-record.ts'
import type { TextRequest } from '../answer/text-request.ts'

/** How an upstream is to go on with an answer. */
export interface LegPlan extends GoOnPlan {
  /** Tokens that the whole answer may have; undefined: as many as the model writes. */
  readonly limit: number | undefined
  /** Tokens that servers have written of what it is given. */
  readonly sentTokens: number
}

/** Tokens of a completion whose request names no number, as OpenAI has it, and servers that do as it does. */
const usualTokens = 16
const asOpenAi: ReadonlySet<TextServerKind> = new Set([
  'hither',
  'vllm',
  'kserve',
  'sglang',
  'openai',
  'llama-cpp-python',
])

/** Tokens that the answer may have, where whoever wrote it until now goes by a number that the request does not name. */
function limitOf({ isChat, maxTokens }: TextRequest, writer: TextModelFacts | undefined): number | undefined {
  return maxTokens ?? (!isChat && writer !== undefined && asOpenAi.has(writer.kind) ? usualTokens : undefined)
}

/** The ways in which this answer, of what is known, may be gone on with there. */
function openWays(
  request: TextRequest,
  record: AnswerRecord,
  facts: TextModelFacts,
  writer: TextModelFacts | undefined,
): TextModelFacts['ways'] {
  const { stops, hasTools, isChat } = request
  const isByIds = () => {
    if (record.ids === undefined || writer === undefined || !haveSameIds(writer, facts)) return false
    // Servers that look for stop strings write ids ahead of the text, each in a way of its own.
    if (stops.length > 0 && (facts.kind !== 'hither' || writer.kind !== 'hither')) return false
    return !isChat || limitOf(request, writer) !== undefined || facts.contextTokens !== undefined
  }
  const isOpen = (way: GoOnWay): boolean => {
    if (way === 'token-ids') return !hasTools && isByIds()
    // Without its thoughts before it, a model would begin to think anew.
    if (record.hasReasoned) return false
    return way === 'text' ? request.prompt === 'text' : request.prompt === 'messages'
  }
  return facts.ways.filter(({ way }) => isOpen(way))
}

const promptOf = ({ prompt }: TextRequest) =>
  prompt === 'messages' ? { messages: [] } : prompt === 'text' ? { text: '' } : { ids: [] }

/**
 * How an upstream is to go on with an answer.
 *
 * @param facts undefined where nothing is known of it
 * @param writer what is known of the upstream that has written until now
 * @returns undefined where it can't
 */
export function planLeg(
  request: TextRequest,
  record: AnswerRecord,
  facts: TextModelFacts | undefined,
  writer: TextModelFacts | undefined,
): LegPlan | undefined {
  const { shown, held, tokens, ids, written } = record
  const goOn = { shown, held, tokens, ...(ids === undefined ? {} : { ids }) }
  const ways = facts === undefined ? [] : openWays(request, record, facts, writer)
  const plan = planGoOn(goOn, promptOf(request), { kind: facts?.kind ?? 'unknown', ways })
  if (plan === undefined || (request.answerTokens > 0 && plan.way !== 'token-ids')) return undefined
  if (plan.way === undefined && request.begun !== '') return undefined
  const limit = limitOf(request, writer)
  if (plan.way === undefined) return { ...plan, limit, sentTokens: 0 }
  if (limit === undefined && !request.isChat && facts !== undefined && asOpenAi.has(facts.kind)) return undefined
  if (plan.way === 'token-ids' && ids !== undefined) {
    // What follows the last whole text is written once more: half of a character, or all of a stop string.
    const again = ids.answer.length - ids.whole
    return { ...plan, limit, again, sent: shown.slice(0, ids.wholeText), sentTokens: ids.whole - request.answerTokens }
  }
  const all = shown.length + held.length - request.begun.length
  const sent = Math.max(0, plan.sent.length - request.begun.length)
  return { ...plan, limit, sentTokens: all === 0 ? 0 : Math.round((written * sent) / all) }
}

/** Is this exactly what the client has asked for, so that its request and the answer to it can stay as they are? */
export const isAsAsked = (
  { way, habits, sent }: GoOnPlan,
  { begun, answerTokens }: TextRequest,
  kind: TextServerKind,
) =>
  answerTokens > 0
    ? way === 'token-ids' && kind === 'hither'
    : way === 'continue-final-message' && !habits.trims && !habits.losesBlanks && !habits.echoes && sent === begun

export const givesIds = (facts: TextModelFacts | undefined): boolean =>
  facts !== undefined && kindFacts[facts.kind].givesIds
