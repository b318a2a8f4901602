import type { ToolCall } from '../../contracts/chat.ts'
import type { FinishReason, Usage, WireToolCall } from './answers.ts'
import type { GivenLogprobs } from './write-logprobs.ts'

/** What an answer's events have in common. */
export interface AnswerFacts {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
  /** Changes with the model's files. */
  readonly fingerprint: string
  /** Whether ids are told. */
  readonly returnTokenIds: boolean
  /** Whether the last event tells the usage, and all others `null`. */
  readonly includeUsage: boolean
}

/** A part of an answer: its tokens, and the text that is certain by them. */
export interface AnswerPiece {
  readonly text: string
  readonly tokens: readonly number[]
  readonly logprobs?: readonly GivenLogprobs[] | undefined
}

/** All of an answer. */
export interface WholeAnswer extends AnswerPiece {
  readonly promptIds: readonly number[]
  readonly calls: readonly WireToolCall[]
  readonly finish: FinishReason
  readonly usage: Usage
}

/** How an answer is told: as a chat or as a completion, in events or whole. */
export interface AnswerForm {
  /** The first event. @param promptIds ids of the prompt and of what there was of the answer */
  begin(promptIds: readonly number[]): object
  piece(piece: AnswerPiece): object
  calls(calls: readonly WireToolCall[]): object
  finish(reason: FinishReason): object
  /** The last event, where it was asked for. */
  usage(usage: Usage): object
  whole(answer: WholeAnswer): object
}

export const toUsage = (tokens: {
  readonly prompt: number
  readonly cached: number
  readonly answer: number
}): Usage => ({
  prompt_tokens: tokens.prompt,
  completion_tokens: tokens.answer,
  total_tokens: tokens.prompt + tokens.answer,
  prompt_tokens_details: { cached_tokens: tokens.cached },
})

/** @param newId makes ids for calls that have none */
export const toWireCalls = (calls: readonly ToolCall[], newId: () => string): WireToolCall[] =>
  calls.map(({ id, name, arguments: given }) => ({
    id: id ?? newId(),
    type: 'function',
    function: { name, arguments: JSON.stringify(given) },
  }))

/** The text of one server-sent event. @param data JSON, or the mark of the end */
export const formatEvent = (id: number, data: object | '[DONE]'): string =>
  `id: ${id}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`

export const ids = (facts: AnswerFacts, tokens: readonly number[]): { readonly token_ids?: readonly number[] } =>
  facts.returnTokenIds ? { token_ids: tokens } : {}
