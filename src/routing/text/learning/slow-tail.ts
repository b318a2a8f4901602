import * as v from 'valibot'
import { object } from '../../../contracts/object-schemas.ts'
import { clamp } from '../../../utils/clamp.ts'
import type { LogNormal } from '../../../utils/log-normal.ts'

/** How often an endpoint takes many times as long as it usually does, and how many times. */
export interface SlowTail {
  /** @param ratio a first token's time over its usual median; `atLeast`: it had not come by then */
  observe(ratio: number, atLeast?: boolean): void
  /** Whether a first token of this ratio belongs to the tail and says nothing of the usual time. */
  isTail(ratio: number): boolean
  /** The chance of a slow one, and how many times the median it takes. */
  estimate(): { readonly chance: number; readonly ratio: LogNormal }
  snapshot(): unknown
  restore(snapshot: unknown): void
}

/** From this many times the median on it is slow. */
const slowRatio = 2.5
/** Of 20 assumed first tokens, one is slow. */
const assumedCount = 20
const assumedSlow = 1
const assumedRatio = Math.log(5)
/** A sample's weight after this many more is 1/e. */
const remembered = 60
const ratioGain = 0.2
const ratioVariance = 0.4
const [leastRatio, mostRatio] = [Math.log(slowRatio), Math.log(60)]

const count = v.pipe(v.number(), v.finite(), v.minValue(0))
const snapshotSchema = object({ seen: count, slow: count, ratio: v.pipe(v.number(), v.finite()) })

/**
 * The heavy tail of an endpoint's first tokens as a part of its own of a mixture, since no log-normal fits both: cold
 * starts, full batches and retries take another order of time. Its chance is the mean of a Beta distribution whose counts
 * are forgotten over some 60 first tokens.
 */
export function createSlowTail(): SlowTail {
  let seen = assumedCount
  let slow = assumedSlow
  let ratio = assumedRatio
  const kept = Math.exp(-1 / remembered)
  const isTail = (value: number) => value >= slowRatio
  return {
    isTail,
    observe(value, atLeast = false) {
      if (!(value > 0 && value < Number.POSITIVE_INFINITY)) return
      // Ended before it was slow: it might have become so.
      if (atLeast && !isTail(value)) return
      seen = assumedCount + (seen - assumedCount) * kept + 1
      slow = assumedSlow + (slow - assumedSlow) * kept + (isTail(value) ? 1 : 0)
      if (!isTail(value)) return
      const log = clamp(Math.log(value), leastRatio, mostRatio)
      if (!atLeast || log > ratio) ratio += ratioGain * (log - ratio)
    },
    estimate: () => ({ chance: clamp(slow / seen, 0, 0.5), ratio: { mu: ratio, variance: ratioVariance } }),
    snapshot: () => ({ seen, slow, ratio }),
    restore(snapshot) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success) return
      seen = clamp(parsed.output.seen, assumedCount, assumedCount + remembered + 1)
      slow = clamp(parsed.output.slow, assumedSlow, seen)
      ratio = clamp(parsed.output.ratio, leastRatio, mostRatio)
    },
  }
}
