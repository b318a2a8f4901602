import type { Recording } from '../routing/recordings.ts'
import { quantile } from '../support/quantiles.ts'
import { drawFaults } from './faulty-run.ts'
import { begin } from './first-token.ts'
import { createHither, type TextSettings } from './hither.ts'
import { type AnswerOutcome, writeAnswer } from './mid-stream.ts'
import { cloudOnly, discoDevice, edgeOnly, preferEdge, seededFor } from './peers.ts'
import type { TextPolicyMaker } from './policy.ts'
import { drawTextSession, type Setting } from './world.ts'

interface Cell {
  readonly network: string
  readonly recordings: readonly Recording[]
  readonly setting: Setting
}

export interface FaultFigures {
  readonly answers: number
  readonly faults: number
  /** Share of answers that were finished whole, by policy. */
  readonly whole: Readonly<Record<string, number>>
  readonly moves: number
  readonly readAhead: number
  /** From noticing to the next token. */
  readonly gapP50Ms: number
  readonly gapP95Ms: number
  /** The gap over what the receiver takes to its first token from nothing. */
  readonly gapOverFirstP95: number
  /** Where it had read all of it ahead. */
  readonly aheadGapP95Ms: number
  /** From the last token before a move to the next one, and what of it somebody noticed who reads. */
  readonly silenceP95Ms: number
  readonly noticedP50Ms: number
  readonly wastedShare: number
  /** Of the wasted ones: read ahead for a silence that was no stall. */
  readonly aheadShare: number
  /** Moves where the arm was silent and would have gone on, later than the other one did. */
  readonly silent: number
}

const faultShare = 0.05
const peers: Readonly<Record<string, TextPolicyMaker>> = {
  'edge only': edgeOnly,
  'cloud only': cloudOnly,
  'prefer edge': preferEdge,
  'DiSCo, device': discoDevice,
}

/** Answers token by token, in which 5 % of the arms are killed or fall silent: in every third cell, with each endpoint in turn. */
export function runFaults(
  cells: readonly Cell[],
  options: { readonly seed: number; readonly requests: number; readonly settings: TextSettings },
): FaultFigures {
  const outcomes: AnswerOutcome[] = []
  const finished = new Map<string, number>(Object.keys(peers).map((name) => [name, 0]))
  for (const { recordings, setting } of cells.filter((_, index) => index % 3 === Math.floor(index / 3) % 3)) {
    recordings.slice(0, 2).forEach((recording, r) => {
      const seed = (options.seed * 7_368_787 + r * 89 + setting.device * 113 + setting.prompt * 19) | 0
      const session = drawTextSession(recording, setting, seed, options.requests)
      const faults = drawFaults(session, faultShare)
      const hither = createHither(session, options.settings)
      for (let i = 0; i < session.count; i += 1) outcomes.push(writeAnswer(session, i, hither, faults))
      for (const [name, make] of Object.entries(peers)) {
        const policy = make(session, seededFor(seed))
        for (let i = 0; i < session.count; i += 1) {
          const { winner } = begin(session, i, policy.decide(i, session.atMs[i] ?? 0))
          if (faults.of(i, winner, 0) === undefined) finished.set(name, (finished.get(name) ?? 0) + 1)
        }
      }
    })
  }
  const moves = outcomes.flatMap((outcome) => outcome.moves)
  const gaps = moves.map(({ gapMs }) => gapMs)
  const ahead = moves.filter(({ isReadAhead }) => isReadAhead)
  const sum = (of: (outcome: AnswerOutcome) => number) => outcomes.reduce((all, each) => all + of(each), 0)
  const whole = Object.fromEntries([...finished].map(([name, count]) => [name, count / outcomes.length]))
  return {
    answers: outcomes.length,
    faults: sum(({ faults }) => faults),
    whole: { ...whole, hither: sum(({ isWhole }) => (isWhole ? 1 : 0)) / outcomes.length },
    moves: moves.length,
    readAhead: ahead.length,
    gapP50Ms: quantile(gaps, 0.5),
    gapP95Ms: quantile(gaps, 0.95),
    gapOverFirstP95: quantile(
      moves.map(({ gapMs, receiverFirstMs }) => gapMs / receiverFirstMs),
      0.95,
    ),
    aheadGapP95Ms: quantile(
      ahead.map(({ gapMs }) => gapMs),
      0.95,
    ),
    silenceP95Ms: quantile(
      moves.map(({ silenceMs }) => silenceMs),
      0.95,
    ),
    noticedP50Ms: quantile(
      moves.map(({ noticedMs }) => noticedMs),
      0.5,
    ),
    wastedShare: sum(({ wastedTokens }) => wastedTokens) / sum(({ tokens }) => tokens),
    aheadShare: sum(({ aheadTokens }) => aheadTokens) / sum(({ tokens }) => tokens),
    silent: moves.filter(({ wasAlive }) => wasAlive).length,
  }
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`

export function printFaults(figures: FaultFigures, print: (line: string) => void): void {
  print(`\n${figures.answers} answers, ${figures.faults} arms killed or stalled in their midst. Finished whole:`)
  for (const [name, share] of Object.entries(figures.whole)) print(`  ${name.padEnd(16)} ${percent(share)}`)
  const ms = (value: number) => `${value.toFixed(0)} ms`
  print(
    `${figures.moves} moves (${figures.silent} from an arm whose next token would have come later, ${figures.readAhead} read ahead): gap p50 ${ms(figures.gapP50Ms)}, ` +
      `p95 ${ms(figures.gapP95Ms)}; over the receiver's first token p95 ${figures.gapOverFirstP95.toFixed(2)}; read ahead p95 ${ms(figures.aheadGapP95Ms)}; ` +
      `silence p95 ${ms(figures.silenceP95Ms)}, noticed by a reader p50 ${ms(figures.noticedP50Ms)}; wasted ${percent(figures.wastedShare)}, ${percent(figures.aheadShare)} wasted by reading ahead`,
  )
}
