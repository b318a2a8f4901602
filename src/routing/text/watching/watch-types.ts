import type { MoveReason } from '../../../contracts/route-reasons.ts'
import type { UsualGaps } from '../learning/text-learner-types.ts'
import type { TextObjective } from '../text-types.ts'

export type { MoveReason }

/** Why an arm that works should still be left. */
export type VoluntaryReason = Extract<MoveReason, 'heat' | 'battery' | 'faster'>

/** What is to be done about an answer that is being written. */
export type WatchAction =
  /** Nothing before `untilMs` (infinite: nothing but an event can change that); then, or after an event, ask again. */
  | { readonly do: 'wait'; readonly untilMs: number }
  /**
   * Said once: the other arm should read prompt and answer now, as a move is likely. Then ask again at `untilMs`. Should
   * tokens come before it has read them when the reason is `stalled`, stop it: it is said again if need be.
   */
  | { readonly do: 'prepare'; readonly reason: MoveReason; readonly untilMs: number }
  /**
   * Said until tokens come: the other arm goes on from what was shown. `isFailure`: the arm was at fault; count it.
   * `mayRecover`: it is only silent, so leave it open; should it write before the other one does, it goes on. It is said
   * whether or not there is a receiver.
   */
  | {
      readonly do: 'move'
      readonly reason: MoveReason
      readonly isFailure: boolean
      readonly mayRecover: boolean
    }

/** What the watch knows of the arm that would take over. */
export interface Receiver {
  /** Milliseconds until its next token if it were asked now: reading prompt and answer; its 90th percentile. */
  readonly firstTokenMs: number
  /** Milliseconds for each token after that. */
  readonly tokenMs: number
  /** It can read ahead at no price but this device's work: the edge. An endpoint is paid for it. */
  readonly canPrepare: boolean
  /**
   * What a move there costs beside its time, more than staying: money, energy and data, in milliseconds of waiting. It is
   * more than 0 while a budget is nearly spent. Default 0.
   */
  readonly extraMs?: number | undefined
}

export interface WatchOptions {
  /** How tokens usually come from the arm that writes (`TextLearner.gaps`). */
  readonly usual: UsualGaps
  /** Predicted milliseconds per token of the arm that writes. */
  readonly tokenMs: number
  /** When the run was started. */
  readonly startedAtMs: number
  /** The first token's predicted 90th percentile, in milliseconds from the start: a silence far beyond it is a stall. */
  readonly firstTokenP90Ms: number
  /** Tokens that the answer is expected to have. */
  readonly answerTokens: number
  /** Default `first-token`. */
  readonly objective?: TextObjective | undefined
}

/**
 * Watches one arm write: a pure state machine. Tell it what happens, ask `next` after each event and when its time is
 * over. All times are those of one clock, in milliseconds.
 */
export interface WritingWatch {
  /** Tokens have come, `count` together. */
  tokens(nowMs: number, count: number): void
  /** Who could take over; undefined: nobody can, or may. */
  receiver(receiver: Receiver | undefined): void
  /** The other arm has read prompt and answer: its next token is one token's time away. */
  prepared(): void
  /** The arm has failed with an error, or the device went offline while the cloud wrote. */
  failed(reason: Extract<MoveReason, 'failed' | 'offline'>): void
  /** It would be better to leave this arm, though it works; undefined: not any more. */
  prefer(reason: VoluntaryReason | undefined): void
  next(nowMs: number): WatchAction
  /** Tokens that were shown and are still ahead of somebody who reads eight a second. */
  aheadOfReader(nowMs: number): number
}
