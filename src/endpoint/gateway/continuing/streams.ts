import type { Timers } from '../../../utils/with-deadline.ts'
import type { BodyEdit } from '../../codec/edit-body.ts'
import { createAnswerRecord } from './answer/answer-record.ts'
import type { TextRequest } from './answer/text-request.ts'
import { continueStream, type StreamMove } from './continue-stream.ts'
import type { Faults } from './failing/faults.ts'
import type { Tries } from './failing/tries.ts'
import type { Leg } from './legs/leg.ts'
import { charges, createNextLeg, type FindUpstreams } from './legs/text-upstreams.ts'
import type { createPaces, StallLimits } from './reading/pace.ts'

/** What a request's stream needs besides its first upstream. */
export interface StreamParts {
  readonly request: TextRequest
  readonly model: string
  readonly find: FindUpstreams
  readonly tries: Tries
  /** The client's request with changes. */
  readonly edit: (edit: BodyEdit | undefined) => Promise<Uint8Array<ArrayBuffer>>
  /** May those go on that charge for it? */
  readonly mayCharge: boolean
  readonly paces: ReturnType<typeof createPaces>
  readonly stall: StallLimits
  readonly timers: Timers
  readonly now: () => number
  readonly hungUp: AbortSignal
  readonly faults: Faults
  readonly onMove: (move: StreamMove) => void
}

/**
 * The events of a stream that begins at this upstream, and may end at another one.
 *
 * @param moves times that the request was begun anew before
 */
export function openStream(parts: StreamParts, first: Leg, moves: number): AsyncGenerator<Buffer | string> {
  const { request, model, find, tries, mayCharge, paces, stall, timers, now, hungUp, faults, onMove } = parts
  const record = createAnswerRecord(request)
  const next = createNextLeg({
    ...{
      request,
      record,
      model,
      find,
      tries,
      edit: parts.edit,
      mayCharge,
      firstMs: stall.firstMs,
      timers,
      now,
      hungUp,
    },
    onFailure: faults.note,
  })
  /** What others can is found out while this one writes, so that nobody waits for it when it dies. */
  const getReady = async () => {
    const having = await find(model)
    const asked = having.length < 2 ? [] : having.filter(({ upstream }) => mayCharge || !charges(upstream, model))
    await Promise.allSettled(asked.map(({ upstream }) => upstream.texts.describe(model)))
  }
  let isReady = moves > 0
  return continueStream({
    ...{ request, record, first, moves, timers, now, hungUp, next, onMove },
    paceOf: ({ upstream }) => paces(`${upstream.url}\n${model}`),
    onBegun() {
      if (isReady) return
      isReady = true
      getReady().catch(() => {})
    },
    onFailure: ({ upstream }, failure) => faults.note(upstream, failure),
    onWhole: ({ upstream }) => faults.whole(upstream),
  })
}
