import * as v from 'valibot'
import { clamp } from '../../../utils/clamp.ts'

/** How long it is usually silent between two arrivals of tokens. */
export interface GapHistory {
  observe(ms: number): void
  /** The gap below which the share `q` of all lie, in milliseconds: the upper end of its class. */
  quantile(q: number): number
  readonly count: number
  snapshot(): unknown
  restore(snapshot: unknown): void
}

/** Classes: each reaches a fifth further than the one before, from 1 ms to 66 s. */
const step = 1.2
const classes = 62
/** Assumed gaps, until some were seen. */
const assumedMs: readonly number[] = [20, 40, 60, 100, 250]
const assumedWeight = 0.4
/** A gap's weight after this many more is 1/e. */
const remembered = 2_000
/** Grown to this, the weights are brought back to 1: one multiplication a gap instead of one for each class. */
const mostScale = 1e9

const classOf = (ms: number) => clamp(Math.ceil(Math.log(ms) / Math.log(step)), 0, classes - 1)
const snapshotSchema = v.pipe(v.array(v.pipe(v.number(), v.finite(), v.minValue(0))), v.length(classes))

/**
 * A histogram of gaps whose old entries fade. Gaps come in classes because their distribution has no simple form:
 * tokens that arrive together, a link's pauses, a server's batches.
 */
export function createGapHistory(): GapHistory {
  const weights = new Float64Array(classes)
  let total = 0
  let scale = 1
  let seen = 0
  const add = (ms: number, weight: number) => {
    const at = classOf(ms)
    weights[at] = (weights[at] ?? 0) + weight
    total += weight
  }
  for (const ms of assumedMs) add(ms, assumedWeight)
  const growth = Math.exp(1 / remembered)

  const rescale = () => {
    for (let at = 0; at < classes; at += 1) weights[at] = (weights[at] ?? 0) / scale
    total /= scale
    scale = 1
  }
  return {
    observe(ms) {
      if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) return
      scale *= growth
      add(Math.max(1, ms), scale)
      seen += 1
      if (scale > mostScale) rescale()
    },
    quantile(q) {
      let sum = 0
      for (let at = 0; at < classes; at += 1) {
        sum += weights[at] ?? 0
        if (sum >= q * total) return step ** at
      }
      return step ** (classes - 1)
    },
    get count() {
      return seen
    },
    snapshot() {
      rescale()
      return [...weights].map((weight) => Number(weight.toFixed(3)))
    },
    restore(snapshot) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success) return
      const sum = parsed.output.reduce((all, each) => all + each, 0)
      if (!(sum > 0)) return
      weights.set(parsed.output)
      total = sum
      scale = 1
      seen = Math.round(sum)
    },
  }
}
