import type { Timers } from '../../../utils/with-deadline.ts'
import type { AnswerRecord } from './answer/answer-record.ts'
import { createChunkForm, doneEvent } from './answer/chunk-form.ts'
import { countedUsage } from './answer/rewrite-usage.ts'
import type { TextRequest } from './answer/text-request.ts'
import { type Failure, type FailureReason, isRequests } from './failing/failure.ts'
import { joinLeg } from './legs/join-leg.ts'
import type { Leg, LegContext } from './legs/leg.ts'
import { passLeg } from './legs/pass-leg.ts'
import type { NextLeg } from './legs/text-upstreams.ts'
import { TooLong } from './reading/event-source.ts'
import type { Pace } from './reading/pace.ts'
import { cutOffEvent } from './reading/stream-form.ts'

/** Times that one stream is continued. */
export const mostMoves = 3

/** What became of a stream whose upstream failed. */
export interface StreamMove {
  readonly reason: FailureReason
  readonly outcome: 'continued' | 'cut-off'
}

export interface StreamOptions {
  readonly request: TextRequest
  readonly record: AnswerRecord
  readonly first: Leg
  /** Times that the request was begun anew before anything came. */
  readonly moves: number
  readonly paceOf: (leg: Leg) => Pace
  readonly timers: Timers
  readonly now: () => number
  /** Aborts when the client has gone. */
  readonly hungUp: AbortSignal
  readonly next: NextLeg
  /** The first text has been given on. */
  readonly onBegun: () => void
  readonly onFailure: (leg: Leg, failure: Failure) => void
  /** This upstream has written the answer's end. */
  readonly onWhole: (leg: Leg) => void
  readonly onMove: (move: StreamMove) => void
}

/**
 * A stream whose upstream may die: another one goes on with the answer, and its client sees one stream. Where none can, the
 * last event says that the answer is cut off. Nothing is read before the client takes it.
 */
export async function* continueStream(options: StreamOptions): AsyncGenerator<Buffer | string> {
  const { request, record, first, paceOf, timers, now, hungUp, next, onBegun, onFailure, onWhole, onMove } = options
  const form = createChunkForm(request)
  let leg = first
  let { moves } = options
  try {
    for (;;) {
      const { plan, upstream } = leg
      const mayMove = () => moves < mostMoves && record.canGoOn
      const hasOther = async () => mayMove() && (await next.exists(upstream))
      const context: LegContext = { request, record, form, pace: paceOf(leg), timers, now, onBegun, hasOther }
      const { isWhole, failure } = yield* plan === undefined ? passLeg(leg, context) : joinLeg(leg, plan, context)
      leg.end()
      if (hungUp.aborted) return
      if (failure === undefined) onWhole(leg)
      else onFailure(leg, failure)
      if (isWhole || failure === undefined) return

      if (isAtLimit(record, request)) {
        // Nothing but the word for it was missing.
        const usage = request.wantsUsage ? countedUsage(record) : undefined
        const counted = usage === undefined ? '' : form.writeUsage(usage)
        yield form.write({ finish: 'length' }) + counted + doneEvent
        return
      }
      const other = mayMove() && !isRequests(failure) ? await next.open(upstream, failure) : undefined
      if (hungUp.aborted) {
        other?.end()
        return
      }
      onMove({ reason: failure.reason, outcome: other === undefined ? 'cut-off' : 'continued' })
      if (other === undefined) {
        yield failure.event === undefined ? cutOffEvent(sentenceOf(failure)) : Buffer.from(failure.event)
        return
      }
      moves += 1
      leg = other
    }
  } finally {
    leg.end()
  }
}

const isAtLimit = ({ canGoOn, tokens }: AnswerRecord, { maxTokens }: TextRequest): boolean =>
  canGoOn && maxTokens !== undefined && tokens >= maxTokens

const sentenceOf = ({ cause }: Failure): string =>
  cause instanceof TooLong
    ? 'The answer was cut off: a part of it is too long.'
    : 'The answer was cut off: the server that wrote it is gone.'
