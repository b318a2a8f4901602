import { answerTokensField } from '../../../../protocol/text-server/answer-tokens-field.ts'
import type { TextFields } from '../../../codec/text-fields.ts'

/** A request for one text, as far as it matters to whoever goes on with the answer. */
export interface TextRequest {
  readonly isChat: boolean
  readonly isStreamed: boolean
  /** What a completion's prompt is; a chat has messages. */
  readonly prompt: 'messages' | 'text' | 'ids'
  /** The answer's beginning, where the client asks to have it gone on with. */
  readonly begun: string
  /** The same as ids: the last ones of these. */
  readonly ids: readonly number[]
  readonly answerTokens: number
  readonly stops: readonly string[]
  /** Tokens that the answer may have in all, those of `answerTokens` included. */
  readonly maxTokens: number | undefined
  /** The fields that say so. */
  readonly limitFields: readonly string[]
  readonly minTokens: number
  /** The model may call functions. */
  readonly hasTools: boolean
  readonly wantsUsage: boolean
  readonly wantsIds: boolean
}

type Values = TextFields['values']

const isSet = (value: unknown) => value !== undefined && value !== null && value !== false
const isFull = (value: unknown) => isSet(value) && !(Array.isArray(value) && value.length === 0)

/** Fields of answers that are no plain text, or more than one: half of such an answer can't be gone on with. */
const bound: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: (value) => isSet(value) && value !== 1,
  best_of: (value) => isSet(value) && value !== 1,
  use_beam_search: isSet,
  logprobs: isSet,
  top_logprobs: isSet,
  prompt_logprobs: isSet,
  response_format: (value) => isSet(value) && (value as { readonly type?: unknown }).type !== 'text',
  structured_outputs: isSet,
  guided_json: isSet,
  guided_regex: isSet,
  guided_choice: isSet,
  guided_grammar: isSet,
  json_schema: isSet,
  grammar: isSet,
  regex: isSet,
  ebnf: isSet,
  echo: isSet,
  suffix: (value) => isSet(value) && value !== '',
  audio: isSet,
  modalities: (value) => isSet(value) && JSON.stringify(value) !== '["text"]',
}

const limits = ['max_tokens', 'max_completion_tokens'] as const

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/**
 * Reads a request for a chat's or a completion's text.
 *
 * @returns undefined where an answer to it can't be gone on with: it has several texts, probabilities, or a form of its own
 */
export function readTextRequest(path: string, fields: TextFields): TextRequest | undefined {
  const { values, large, isPlain } = fields
  const isChat = path === 'chat/completions'
  if (!isPlain || (!isChat && path !== 'completions')) return undefined
  const isBound = Object.entries(bound).some(([name, binds]) => large.includes(name) || binds(values[name]))
  const stops = stopsOf(values)
  const prompt = isChat ? 'messages' : fields.prompt
  if (isBound || stops === undefined || large.includes('stop') || prompt === undefined || prompt === 'other')
    return undefined
  // What is to be gone on with can't be read: it is left to the upstream.
  if (values.continue_final_message === true && (fields.begun ?? '').trim() === '') return undefined
  if (isSet(values[answerTokensField]) && values[answerTokensField] !== 0 && fields.ids === undefined) return undefined
  const limitFields = limits.filter((name) => isCount(values[name]))
  const { [answerTokensField]: answerTokens, min_tokens: minTokens, stream_options: streaming } = values
  const canCall = ['tools', 'functions'].some((name) => large.includes(name) || isFull(values[name]))
  return {
    isChat,
    isStreamed: values.stream === true,
    prompt,
    begun: fields.begun ?? '',
    ids: fields.ids ?? [],
    answerTokens: fields.ids !== undefined && isCount(answerTokens) ? answerTokens : 0,
    stops,
    maxTokens: limitFields.length === 0 ? undefined : Math.min(...limitFields.map((name) => values[name] as number)),
    limitFields,
    minTokens: isCount(minTokens) ? minTokens : 0,
    hasTools: canCall && values.tool_choice !== 'none',
    wantsUsage: (streaming as { readonly include_usage?: unknown } | null | undefined)?.include_usage === true,
    wantsIds: values.return_token_ids === true,
  }
}

function stopsOf({ stop }: Values): readonly string[] | undefined {
  if (!isSet(stop)) return []
  const stops: readonly unknown[] = Array.isArray(stop) ? stop : [stop]
  return stops.every((each) => typeof each === 'string')
    ? (stops as readonly string[]).filter((each) => each !== '')
    : undefined
}
