import { armKey } from '../../arm-ref.ts'
import type { ArmRef } from '../../router-types.ts'

/** An arm that could go on with an answer. */
export interface ReceiverOption extends ArmRef {
  /** Milliseconds to its next token: reading prompt and answer, or one token's time where it has read them ahead. */
  readonly firstTokenMs: number
  /** Money, energy and data of reading all and writing the rest, in milliseconds of waiting. Default 0. */
  readonly extraMs?: number | undefined
  /** Its breaker lets it, privacy and `handover` allow it, its context holds the text, and it knows how to go on. */
  readonly isAllowed: boolean
}

/** What it takes until an arm that has failed can be asked anew: a new worker, a new connection. */
const againMs = { edge: 1_500, cloud: 250 } as const
/** The arm that has failed is asked anew only where every other one is predicted to take this many times as long. */
const farBetter = 2

const costOf = ({ firstTokenMs, extraMs = 0 }: ReceiverOption) => firstTokenMs + extraMs

/**
 * Who goes on with an answer whose arm has failed or is to be left: the one whose next token is predicted soonest. What it
 * costs while a budget is nearly spent counts as time, as it does where an answer begins.
 *
 * The arm itself, anew, only where all others would take more than twice as long and it has not failed in this answer
 * before: a worker or a connection can die by itself, and a slow device would need minutes for a prompt that an endpoint
 * reads at once.
 *
 * @param failures how often `from` has failed in this answer, this time included; 0: a voluntary move
 * @returns undefined: nobody can go on
 */
export function chooseReceiver(
  from: ArmRef,
  options: readonly ReceiverOption[],
  failures: number,
): ReceiverOption | undefined {
  const allowed = options.filter(({ isAllowed }) => isAllowed)
  const self = allowed.find((option) => armKey(option) === armKey(from))
  let best: ReceiverOption | undefined
  for (const option of allowed) {
    if (option !== self && !(best !== undefined && costOf(best) <= costOf(option))) best = option
  }
  if (self === undefined || failures === 0) return best
  if (best === undefined) return self
  const anewMs = againMs[from.arm] + self.firstTokenMs
  return failures === 1 && costOf(best) > farBetter * anewMs + (self.extraMs ?? 0) ? self : best
}
