import * as v from 'valibot'
import { object } from '../../../contracts/object-schemas.ts'

/** Tokens of a kind of answer. */
export interface LengthHistory {
  /** @param isCut it had more to say (a censored sample) */
  observe(tokens: number, isCut: boolean): void
  /** Of an answer that may have `maxTokens`. */
  estimate(maxTokens: number): { readonly mean: number; readonly median: number; readonly p90: number }
  snapshot(): unknown
  restore(snapshot: unknown): void
}

const remembered = 48
/** Assumed lengths, as long as fewer than `enough` are known. */
const assumed: readonly number[] = [30, 80, 160, 400]
const enough = 8
/** Where the longest known answer was cut, a longer one is taken to be this many times as long. */
const beyondLongest = 1.5

const snapshotSchema = v.pipe(
  v.array(object({ tokens: v.pipe(v.number(), v.safeInteger(), v.minValue(1)), isCut: v.boolean() })),
  v.maxLength(remembered),
)

/**
 * The lengths of the last 48 answers. They are heavy-tailed and of no simple form, so quantiles are taken of the samples
 * themselves, by the product-limit estimator (Kaplan and Meier 1958), which counts answers that were cut for what they
 * are: at least so long.
 */
export function createLengthHistory(): LengthHistory {
  let lengths: { readonly tokens: number; readonly isCut: boolean }[] = []
  return {
    observe(tokens, isCut) {
      if (!(tokens >= 1 && tokens < 1e9)) return
      lengths.push({ tokens: Math.round(tokens), isCut })
      if (lengths.length > remembered) lengths = lengths.slice(-remembered)
    },
    estimate(maxTokens) {
      const most = Number.isNaN(maxTokens) ? 1 : Math.max(1, maxTokens)
      const known =
        lengths.length >= enough ? lengths : [...lengths, ...assumed.map((tokens) => ({ tokens, isCut: false }))]
      // At the same length, those that ended come before those that were cut.
      const sorted = [...known].sort((a, b) => a.tokens - b.tokens || Number(a.isCut) - Number(b.isCut))
      let alive = 1
      let area = 0
      let from = 0
      let median: number | undefined
      let p90: number | undefined
      sorted.forEach(({ tokens, isCut }, index) => {
        area += alive * (Math.min(tokens, most) - Math.min(from, most))
        from = tokens
        if (isCut) return
        alive *= 1 - 1 / (sorted.length - index)
        if (alive <= 0.5) median ??= tokens
        if (alive <= 0.1) p90 ??= tokens
      })
      const beyond = from * beyondLongest
      area += alive * (Math.min(beyond, most) - Math.min(from, most))
      return {
        mean: Math.max(1, area),
        median: Math.min(most, median ?? beyond),
        p90: Math.min(most, p90 ?? beyond),
      }
    },
    snapshot: () => lengths,
    restore(snapshot) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (parsed.success) lengths = [...parsed.output]
    },
  }
}
