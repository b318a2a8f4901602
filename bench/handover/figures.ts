import type { SeenAnswer } from '../pages/hand-over.ts'
import { quantile } from '../support/quantiles.ts'

/** An answer that met a fault. */
export interface FaultedAnswer {
  readonly fault: 'cut' | 'gone' | 'stall' | 'worker'
  readonly seen: SeenAnswer
  /** What its last receiver takes to a first token where it has read nothing. */
  readonly receiverFirstMs?: number
}

export interface HandOverFigures {
  /** Answers that have their end. */
  readonly whole: number
  readonly of: number
  readonly moves: number
  /** From noticing the fault to the next token, in milliseconds. */
  readonly gapMs: { readonly p50: number; readonly p95: number }
  /** The gap by the receiver's first token from nothing. */
  readonly gapOverFirst: { readonly p50: number; readonly p95: number }
  /** Where this device had read ahead: the arm that wrote had stalled. */
  readonly aheadGapMs: { readonly p50: number; readonly p95: number; readonly count: number }
  readonly wastedShare: number
}

const both = (values: readonly number[]) => ({ p50: quantile(values, 0.5), p95: quantile(values, 0.95) })

export function figuresOf(answers: readonly FaultedAnswer[]): HandOverFigures {
  const moved = answers.flatMap(({ seen, receiverFirstMs }) => {
    const last = seen.moves.at(-1)
    return last === undefined || receiverFirstMs === undefined ? [] : [{ ...last, receiverFirstMs }]
  })
  const ahead = moved.filter(({ reason, to }) => reason === 'stalled' && to === 'edge').map(({ gapMs }) => gapMs)
  const sum = (of: (answer: FaultedAnswer) => number) => answers.reduce((all, each) => all + of(each), 0)
  const isWhole = ({ seen }: FaultedAnswer) => seen.finishReason === 'stop' || seen.finishReason === 'length'
  return {
    whole: answers.filter(isWhole).length,
    of: answers.length,
    moves: moved.length,
    gapMs: both(moved.map(({ gapMs }) => gapMs)),
    gapOverFirst: both(moved.map(({ gapMs, receiverFirstMs }) => gapMs / receiverFirstMs)),
    aheadGapMs: { ...both(ahead), count: ahead.length },
    wastedShare: sum(({ seen }) => seen.wastedTokens) / sum(({ seen }) => seen.tokens),
  }
}

export function printFigures(figures: HandOverFigures, print: (line: string) => void): void {
  const { whole, of, moves, gapMs, gapOverFirst, aheadGapMs, wastedShare } = figures
  const ms = (value: number) => `${value.toFixed(0)} ms`
  print(`${whole} of ${of} answers whole; ${moves} moves`)
  print(`from noticing to the next token: p50 ${ms(gapMs.p50)}, p95 ${ms(gapMs.p95)}`)
  print(
    `by the receiver's first token from nothing: p50 ${gapOverFirst.p50.toFixed(2)}, p95 ${gapOverFirst.p95.toFixed(2)}`,
  )
  print(`where it had read ahead (${aheadGapMs.count}): p50 ${ms(aheadGapMs.p50)}, p95 ${ms(aheadGapMs.p95)}`)
  print(`wasted ${(100 * wastedShare).toFixed(1)} % of the tokens shown`)
}
