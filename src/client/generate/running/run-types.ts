import type { ToolCall } from '../../../contracts/chat.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import type { AnswerPart, AnswerState } from '../answer/answer-state.ts'
import type { Inside } from '../answer/inside.ts'

/** What a run starts from. */
export interface RunBeginning {
  readonly promptIds?: readonly number[] | undefined
  readonly promptText?: string | undefined
  readonly droppedMessages?: number | undefined
  /** Ids of the answer that it goes on with: those of its parts follow them. Undefined where it tells none. */
  readonly ids: readonly number[] | undefined
}

/** What a run tells, in order, never after its end. */
export interface RunEvents {
  /** It reads and writes from now on: the model is ready, the request is sent. */
  ready(): void
  /** So many tokens are read, `cached` of them were known. */
  reading(progress: { readonly read: number; readonly of: number; readonly cached: number }): void
  begun(beginning: RunBeginning): void
  text(part: AnswerPart): void
  /** It writes what is no part of the answer's text. */
  aside(kind: Inside, tokens: number): void
}

export interface RunEnd {
  readonly reason: 'stop' | 'length' | 'tool-calls'
  readonly toolCalls?: readonly ToolCall[] | undefined
  /** Tokens of what it was given, and of those that it knew, as it counts them. */
  readonly promptTokens?: number | undefined
  readonly cachedTokens?: number | undefined
  /** Tokens that it has written, those of calls and thoughts included, where it has counted them. */
  readonly writtenTokens?: number | undefined
}

/**
 * Has an arm write an answer, or go on with one.
 *
 * @param from not changed meanwhile
 * @throws the arm's error, or the signal's reason
 */
export type StartRun = (
  ref: ArmRef,
  from: Readonly<AnswerState>,
  events: RunEvents,
  options: {
    readonly signal: AbortSignal
    /** It has failed just now, and is asked once more. */
    readonly isAgain: boolean
  },
) => Promise<RunEnd>
