import type { RouteAttempt, RouteReason, RouteWriting } from '../../../contracts/route.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import type { TextLearner } from '../../../routing/text/learning/text-learner-types.ts'
import type { TextForecast, TextPlan, TextRouter } from '../../../routing/text/text-types.ts'
import type { Timers } from '../../../utils/with-deadline.ts'
import type { WritingPart } from '../../types/generate-types.ts'
import type { AnswerState } from '../answer/answer-state.ts'
import type { TextArmPlace } from '../routing/text-places.ts'
import type { TextView } from '../routing/text-routing.ts'
import type { ReceiverOption } from './receivers.ts'
import type { RunEnd, StartRun } from './run-types.ts'

/** What comes of an answer beside its text, filled in while it is written. */
export interface WritingLog {
  readonly moves: RouteWriting['moves'][number][]
  /** Tokens that arms read or wrote and that became no part of the answer. */
  wastedTokens: number
  /** By the conductor's clock: the first run's model was ready, the first and the last token came. */
  readyAt: number | undefined
  firstTokenAt: number | undefined
  lastTokenAt: number | undefined
  /** The arm whose first token came first, and why it was that one. */
  first: ArmRef | undefined
  reason: RouteReason | undefined
  cachedTokens: number
  /** Every run, in the order of their starts. */
  readonly attempts: () => readonly RouteAttempt[]
}

export interface ConductOptions {
  readonly plan: TextPlan
  /** The arms of the plan, and all that may take over. */
  readonly places: readonly TextArmPlace[]
  /** The answer so far; it grows. */
  readonly state: AnswerState
  /** Tokens that the prompt is taken to have. */
  readonly promptTokens: number
  readonly start: StartRun
  /** Has this device read prompt and answer. @see readAhead */
  readonly readAhead: (
    from: Readonly<AnswerState>,
    onRead: (tokens: number) => void,
    signal: AbortSignal,
  ) => Promise<void>
  /** Who could take over from this arm now, the best one first. */
  readonly receivers: (writer: ArmRef) => readonly ReceiverOption[]
  readonly forecast: (place: TextArmPlace, tokens: number, isLost?: boolean) => TextForecast
  readonly extraMs: TextView['extraMs']
  readonly router: Pick<TextRouter, 'observe' | 'settle'>
  readonly learner: TextLearner
  /** This device is left only where it fails: the person prefers it, or saves data. */
  readonly staysHere: boolean
  readonly isOnline: () => boolean
  /** The battery is low, or the device saves power. */
  readonly savesPower: () => boolean
  /** Calls `listener` when one of the two may have changed; returns a function that stops it. */
  readonly onChange: (listener: () => void) => () => void
  readonly onPart: (part: WritingPart) => void
  readonly signal: AbortSignal
  readonly nowMs?: (() => number) | undefined
  readonly timers?: Timers | undefined
}

export interface ConductedWriting {
  readonly log: WritingLog
  /** @throws what every arm has failed with, or the signal's reason */
  readonly end: Promise<RunEnd>
}
