import type { TextModelFacts } from '../../../../cloud/text/text-server.ts'
import { answerTokensField } from '../../../../protocol/text-server/answer-tokens-field.ts'
import type { BodyEdit } from '../../../codec/edit-body.ts'
import type { AnswerRecord } from '../answer/answer-record.ts'
import type { TextRequest } from '../answer/text-request.ts'
import { givesIds, type LegPlan } from './plan-leg.ts'

/** A request that has an upstream go on with an answer: what changes in the client's. */
export interface LegRequest {
  /** Below the API's base. */
  readonly path: 'chat/completions' | 'completions'
  /** Undefined: it stays as it came. */
  readonly edit: BodyEdit | undefined
  /** Ids are told that the client has not asked for. */
  readonly asksIds: boolean
}

/** Fields of chats that completions do not have. */
const chatFields = [
  ...['messages', 'max_completion_tokens', 'tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call'],
  ...['response_format', 'add_generation_prompt', 'continue_final_message', 'chat_template', 'chat_template_kwargs'],
  ...[
    'enable_thinking',
    'reasoning_effort',
    'include_reasoning',
    'modalities',
    'top_logprobs',
    'logprobs',
    'documents',
  ],
] as const

const leftOut = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, undefined]))

/** The request of an upstream that begins, or goes on, as the plan says. */
export function toEdit(
  request: TextRequest,
  record: AnswerRecord,
  plan: LegPlan,
  facts: TextModelFacts | undefined,
): LegRequest {
  const { isChat, minTokens, wantsIds } = request
  const own = isChat ? 'chat/completions' : 'completions'
  const { way, again, limit, sent, answer } = plan
  const asksIds = way === 'token-ids' && givesIds(facts)
  const ids = asksIds ? { return_token_ids: true } : {}
  const least = minTokens === 0 ? {} : { min_tokens: Math.max(0, minTokens - record.tokens) }
  const more = { ...ids, ...(way === undefined ? {} : least) }
  if (way === undefined) return { path: own, edit: undefined, asksIds: false }

  // At most a token a letter is written once more.
  const repeated = again + answer.shown.length + answer.held.length - sent.length
  const left = limit === undefined ? undefined : limit - record.tokens + repeated
  if (way === 'token-ids' && record.ids !== undefined) {
    const { prompt, answer: written, whole } = record.ids
    const isOurs = facts?.kind === 'hither'
    const given = [...prompt, ...written.slice(0, whole)]
    const rest = (facts?.contextTokens ?? 0) - given.length
    const tokens = isOurs ? (limit ?? rest + whole) : (left ?? rest)
    return {
      path: 'completions',
      edit: {
        fields: {
          ...leftOut(isChat ? chatFields : []),
          prompt: given,
          max_tokens: Math.max(1, tokens),
          [answerTokensField]: isOurs && whole > 0 ? whole : undefined,
          ...more,
        },
      },
      asksIds: asksIds && !wantsIds,
    }
  }
  const limits = request.limitFields.length === 0 && !isChat ? ['max_tokens'] : request.limitFields
  const limited = left === undefined ? {} : Object.fromEntries(limits.map((name) => [name, Math.max(1, left)]))
  if (way === 'text') return { path: own, edit: { fields: { ...limited, ...more }, promptTail: sent }, asksIds: false }
  const isAsked = way === 'continue-final-message'
  const asked = { continue_final_message: isAsked || undefined, add_generation_prompt: isAsked ? false : undefined }
  const message = {
    isNew: request.begun === '',
    fields: { role: 'assistant', content: sent, ...(way === 'prefix' ? { prefix: true } : {}) },
  }
  return { path: own, edit: { fields: { ...limited, ...more, ...asked }, message }, asksIds: false }
}
