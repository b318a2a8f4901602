import type { Timers } from '../../../../utils/with-deadline.ts'
import type { Upstream } from '../../upstreams/upstream.ts'
import type { AnswerRecord } from '../answer/answer-record.ts'
import type { ChunkForm } from '../answer/chunk-form.ts'
import type { TextRequest } from '../answer/text-request.ts'
import type { Failure } from '../failing/failure.ts'
import type { Pace } from '../reading/pace.ts'
import type { LegPlan } from './plan-leg.ts'

/** One upstream's part of a stream. */
export interface Leg {
  readonly upstream: Upstream
  /** The stream's response, of which nothing is read yet. */
  readonly response: Response
  /** How it goes on with the answer; undefined: what it sends is the client's answer as it is. */
  readonly plan: LegPlan | undefined
  /** It tells ids that the client has not asked for. */
  readonly asksIds: boolean
  /** It counts no longer as under way there. */
  readonly end: () => void
}

/** What the legs of a stream share. */
export interface LegContext {
  readonly request: TextRequest
  readonly record: AnswerRecord
  readonly form: ChunkForm
  readonly pace: Pace
  readonly timers: Timers
  readonly now: () => number
  /** The first text has been given on. */
  readonly onBegun: () => void
  /** Is there another upstream that could go on now? One that is silent is left only then. */
  readonly hasOther: () => Promise<boolean>
}

/** How a leg has ended. */
export interface LegEnd {
  /** The client has the whole answer. */
  readonly isWhole: boolean
  /** Also of a whole answer's upstream, where it died behind the last token. */
  readonly failure: Failure | undefined
}
