import type { ChatMessage, Tool, ToolCall } from '../../contracts/chat.ts'
import type { ChatEnding } from '../prompt/chat-template.ts'
import type { Sampling } from '../sampling/sampling.ts'

/** What an answer follows: a text, a conversation, or the very ids that an answer was begun with. */
export type Prompt =
  | { readonly text: string }
  | {
      readonly messages: readonly ChatMessage[]
      readonly tools?: readonly Tool[] | undefined
      /** Default `reply`. With `open`, a word that the last message ends within is completed. */
      readonly ending?: ChatEnding | undefined
      /** How many tokens at the end of an open last message were written as a part of this answer. Default 0. */
      readonly answerTokens?: number | undefined
    }
  | { readonly ids: readonly number[] }

/** What a language model is asked to write. */
export interface WriteRequest {
  readonly prompt: Prompt
  /** Ids of the answer so far; not empty where an answer goes on that was begun elsewhere. */
  readonly answer: readonly number[]
  /**
   * The answer so far as text, where its ids are not known: another tokenizer's, or a server that tells none. The model's
   * own tokens for it are found. Those may be of a beginning of it: the rest is written again.
   */
  readonly answerText?: AnswerText | undefined
  readonly sampling: Sampling
  /** Strings that end the answer; they are no part of it. */
  readonly stops: readonly string[]
  /** Tokens that the answer may have in all. */
  readonly maxTokens: number
  /**
   * What becomes of a prompt that the model can't look back on whole: `refuse` fails with `context-full`; `drop-oldest`
   * leaves out the oldest messages but the system's, or the beginning of a text.
   */
  readonly whenFull: 'refuse' | 'drop-oldest'
  /** How many of the likeliest tokens to tell with each; absent: no probabilities. */
  readonly logprobs?: number | undefined
}

/** A token's text and probability (a natural logarithm), and the likeliest ones in its place. */
export interface WrittenLogprobs {
  readonly text: string
  readonly logprob: number
  readonly top: readonly { readonly text: string; readonly logprob: number }[]
}

export interface AnswerText {
  readonly text: string
  /** Tokens of `maxTokens` that it has taken. */
  readonly tokens: number
}

/** What comes of an answer while it is written, in order. */
export type WriteEvent =
  /** The prompt's ids: who has them can go on with the answer, of which those of `answer` are there already. */
  | {
      readonly type: 'prompt'
      readonly ids: readonly number[]
      readonly droppedMessages: number
      /** The prompt as the model reads it: a conversation as its template writes it down. Absent for a prompt of ids. */
      readonly text?: string | undefined
      readonly answer?: readonly number[] | undefined
      /** Of an answer that goes on: the text that the text to come follows. */
      readonly shown?: string | undefined
    }
  /** So many tokens of prompt and answer are read; `cached` of them were known before. */
  | { readonly type: 'read'; readonly read: number; readonly of: number; readonly cached: number }
  /** The answer's next tokens, and the text that is certain by them. */
  | {
      readonly type: 'text'
      readonly tokens: readonly number[]
      readonly text: string
      /** Written and not certain yet: it may be the beginning of a stop string. */
      readonly held: string
      /** So many of the answer's ids have text that is whole. */
      readonly whole: number
      /** So many of these tokens write once more what `answerText` has, and were counted there. Default 0. */
      readonly again?: number | undefined
      /** Of each of these tokens, where they were asked for. */
      readonly logprobs?: readonly WrittenLogprobs[] | undefined
    }

export interface WriteEnd {
  readonly reason: 'stop' | 'length' | 'tool-calls'
  /** The calls that the model asks for, where it was given tools and asks for some. */
  readonly toolCalls?: readonly ToolCall[] | undefined
}
