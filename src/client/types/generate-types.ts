import type { ChatMessage, Tool, ToolCall } from '../../contracts/chat.ts'
import type { Arm, FinishReason, RouteMove, RouteRecord } from '../../contracts/route.ts'
import type { HitherError } from '../../errors/hither-error.ts'
import type { Policy } from './client-options.ts'

/** What a language model goes on from: a text, or a conversation in the words of its chat template. */
export type GenerateInput =
  | { readonly prompt: string }
  | {
      readonly messages: readonly ChatMessage[]
      /** Functions that the model may ask to have called. */
      readonly tools?: readonly Tool[]
    }

/** How an answer is written. What is left out is as the model's maker recommends, else as said here. */
export interface GenerateOptions extends Policy {
  /** Ends the answer, which then has what was written so far. */
  readonly signal?: AbortSignal
  /** Tokens that the answer may have. Default 512. */
  readonly maxTokens?: number
  /** 0 takes the likeliest token always. Default 0.7. */
  readonly temperature?: number
  /** Only so many of the likeliest tokens; 0: all. Default 0. */
  readonly topK?: number
  /** Only the likeliest tokens that have this share of the probability together. Default 0.95. */
  readonly topP?: number
  /** Only tokens with at least this share of the likeliest one's probability. Default 0. */
  readonly minP?: number
  /** Divides the logits of tokens that prompt or answer has. Default 1. */
  readonly repetitionPenalty?: number
  /** Taken off the logits of tokens that the answer has: once each, or once for each time. Default 0. */
  readonly presencePenalty?: number
  readonly frequencyPenalty?: number
  /** The same seed, prompt, options and model on the same backend write the same. Default: another one each time. */
  readonly seed?: number
  /** Strings that end the answer; they are no part of it. At most 16. */
  readonly stop?: string | readonly string[]
  /**
   * What becomes of a prompt that leaves the model no room to answer: `refuse` fails with `context-full`; `drop-oldest`
   * leaves out the oldest messages but the system's, or the beginning of a text. Default `refuse`.
   */
  readonly whenFull?: 'refuse' | 'drop-oldest'
  /**
   * Keeps the answer on this device under this name while it is written: a page that was reloaded and asks the same
   * again goes on where it was. Nothing is kept once it has ended. Default: it is not kept.
   */
  readonly journal?: string
  /** When the first token is wanted, in milliseconds: it steers the route, and whether it came by then is in its record. */
  readonly firstTokenMs?: number
  /**
   * What matters: the first token, as long as the rest comes as fast as people read (`first-token`), or the end of the
   * answer (`whole`). Default `first-token`.
   */
  readonly objective?: 'first-token' | 'whole'
  /**
   * May the other side go on with an answer that has begun? `same-model`: where it has the same model. `any`: another
   * model, too, whose words may sound otherwise. `never`: what fails in the midst is cut off. Default `same-model`.
   */
  readonly handover?: 'same-model' | 'any' | 'never'
  /**
   * May the answer be begun anew where nobody can go on with it? Then a `moved` part with `restarted` says that the text
   * before it counts no more. Default false.
   */
  readonly restart?: boolean
}

/** What comes of an answer while it is written, in order. */
export type WritingPart =
  /** So many tokens of the prompt are read; `cached` of them were known from before. */
  | { readonly type: 'reading'; readonly read: number; readonly of: number; readonly cached: number }
  /** The answer's next characters. Together, all of them are the answer. */
  | {
      readonly type: 'text'
      readonly text: string
      readonly tokens: number
      /** The arm that wrote it; absent of what an earlier page had written. */
      readonly arm?: Arm
    }
  /** Another place goes on with the answer, from the very character. */
  | (RouteMove & {
      readonly type: 'moved'
      /** The reason as a sentence. */
      readonly why: string
    })

/** Tokens of one answer. */
export interface WritingUsage {
  readonly promptTokens: number
  /** Of the prompt: known from before, and not read again. */
  readonly cachedTokens: number
  readonly answerTokens: number
  /** Messages that were left out because the context was full. */
  readonly droppedMessages: number
}

/** A whole answer. */
export interface WritingResult {
  readonly text: string
  /**
   * `stop`: the model ended it, or a stop string did. `length`: it has `maxTokens`, or the context is full.
   * `tool-calls`: see `toolCalls`. `aborted`: the signal. `cut-off`: what wrote it has failed, see `error`.
   */
  readonly finishReason: FinishReason
  /** Calls that the model asks for: answer each with a message of the role `tool`. */
  readonly toolCalls?: readonly ToolCall[]
  /** Why it was cut off. */
  readonly error?: HitherError
  readonly usage: WritingUsage
  /** Absent where it ended before anything ran. */
  readonly route?: RouteRecord
}

/**
 * An answer that is being written. It is written whether or not anybody iterates; who leaves the loop early ends it.
 *
 * @example
 * ```ts
 * const writing = client.generate('tales', { prompt: 'Once upon a time' }, { maxTokens: 200 })
 * for await (const part of writing) if (part.type === 'text') process.stdout.write(part.text)
 * const { finishReason, usage } = await writing.done
 * ```
 */
export interface Writing extends AsyncIterable<WritingPart> {
  /**
   * The whole answer.
   *
   * @throws {ValidationError} `options-invalid`, `text-empty`, `context-full`, `messages-refused`, the model is unknown
   * @throws {NoArmError} nothing can write it (`no-arm`), or no token came within `timeoutMs` (`deadline-exceeded`)
   * @throws {ModelError | CapabilityError | EdgeError | CloudError} the only arm that could be asked has failed
   */
  readonly done: Promise<WritingResult>
}
