import type { RouteAttempt } from '../../../contracts/route.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import type { TextLearner, TextPlace } from '../../../routing/text/learning/text-learner-types.ts'
import type { TextForecast, TextPlan } from '../../../routing/text/text-types.ts'
import type { WritingWatch } from '../../../routing/text/watching/watch-types.ts'
import { watchWriting } from '../../../routing/text/watching/watch-writing.ts'
import { p90OfForecast } from '../../../utils/forecast.ts'
import { meanOf } from '../../../utils/log-normal.ts'
import type { AnswerPart } from '../answer/answer-state.ts'
import type { Inside } from '../answer/inside.ts'
import type { RunBeginning } from './run-types.ts'

/** A device that takes so many times as long for a token as it was predicted to is hot, over so many tokens. */
const hotFactor = 2
const hotTokens = 24

/** One run of an answer, on one arm. */
export interface LiveRun {
  readonly ref: ArmRef
  readonly controller: AbortController
  /** What of the answer was there when it started: a run that is based on less has lost. */
  readonly basedOn: number
  /** It writes the answer anew, though some of it was shown. */
  readonly isRestart: boolean
  /** Tokens that the answer had when it started. */
  readonly fromTokens: number
  readonly startedAt: number
  readonly watch: WritingWatch
  beginning: RunBeginning | undefined
  /** Its model is ready. */
  isReady: boolean
  /** It is within what no other arm can go on with. */
  inside: Inside | undefined
  /** Parts that wait, while the arm that is to take over begins; undefined: they are shown as they come. */
  queue: AnswerPart[] | undefined
  /** Tokens that it read and wrote, and those of them that became the answer's. */
  readonly read: () => number
  readonly written: () => number
  /** Tokens of what it was given that it knew. */
  readonly cached: () => number
  end:
    | { readonly result: NonNullable<RouteAttempt['result']>; readonly at: number; readonly error?: string }
    | undefined

  /** The model is ready now. */
  ready(nowMs: number): void
  reading(read: number, cached: number): void
  /** Tokens came, or were held back (0): what they show is learned. */
  arrived(nowMs: number, tokens: number): void
  /** It has come to its end, and has counted its tokens itself. */
  counted(tokens: number): void
  /** It was ended before its first token. */
  endedEarly(nowMs: number): void
  /** It takes much longer for a token than it was predicted to. */
  readonly isHot: () => boolean
}

/** Starts the books of a run. */
export function openLiveRun(options: {
  readonly ref: ArmRef
  readonly place: TextPlace
  readonly learner: TextLearner
  readonly forecast: TextForecast
  readonly plan: TextPlan
  readonly basedOn: number
  readonly isRestart: boolean
  readonly fromTokens: number
  /** Tokens of prompt and answer that it is given. */
  readonly givenTokens: number
  readonly nowMs: number
}): LiveRun {
  const { ref, place, learner, forecast, plan, basedOn, isRestart, fromTokens, givenTokens, nowMs: startedAt } = options
  const tokenMs = meanOf(forecast.token)
  let [readyAt, firstAt, lastAt] = [startedAt, undefined as number | undefined, startedAt]
  let [read, cached, written, arrivals] = [0, 0, 0, 0]

  const run: LiveRun = {
    ref,
    controller: new AbortController(),
    basedOn,
    isRestart,
    fromTokens,
    startedAt,
    watch: watchWriting({
      usual: learner.gaps(place),
      tokenMs,
      startedAtMs: startedAt,
      firstTokenP90Ms: p90OfForecast(forecast.firstToken),
      answerTokens: plan.answerTokens,
      objective: plan.objective,
    }),
    beginning: undefined,
    isReady: ref.arm === 'cloud',
    inside: undefined,
    queue: undefined,
    // An endpoint reads all that it is given, and is paid for it.
    read: () => (ref.arm === 'cloud' ? givenTokens : Math.max(0, read - cached)),
    written: () => written,
    cached: () => cached,
    end: undefined,
    ready(nowMs) {
      readyAt = nowMs
      run.isReady = true
    },
    reading(count, known) {
      read = count
      cached = known
    },
    arrived(nowMs, tokens) {
      const contextTokens = givenTokens + written
      if (firstAt === undefined) {
        firstAt = nowMs
        const uncachedTokens = Math.max(0, Math.min(givenTokens, givenTokens - cached))
        learner.observeFirstToken(place, { ms: nowMs - readyAt, promptTokens: givenTokens, uncachedTokens })
      } else if (tokens > 0) {
        arrivals += tokens
        learner.observeTokens(place, { ms: nowMs - lastAt, tokens, contextTokens })
      }
      written += tokens
      // What is held back is timed once it is told.
      if (tokens > 0 || lastAt < firstAt) lastAt = nowMs
      run.watch.tokens(nowMs, Math.max(1, tokens))
    },
    counted(tokens) {
      written = Math.max(written, tokens)
    },
    endedEarly(nowMs) {
      // A model that was still on its way says nothing of how it reads.
      if (firstAt !== undefined || !run.isReady) return
      learner.observeFirstTokenAtLeast(place, {
        ms: nowMs - readyAt,
        promptTokens: givenTokens,
        uncachedTokens: Math.max(0, givenTokens - cached),
      })
    },
    isHot: () =>
      forecast.isMeasured &&
      firstAt !== undefined &&
      arrivals >= hotTokens &&
      (lastAt - firstAt) / arrivals > hotFactor * tokenMs,
  }
  return run
}
