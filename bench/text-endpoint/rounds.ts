import { type Summary, summarize } from '../support/quantiles.ts'
import { storyOf } from './prompts.ts'
import { type StreamTimes, timeStream } from './stream-times.ts'

export const benchModel = 'smollm2'

export interface Side {
  readonly name: string
  readonly url: string
}

/** All streams of a round at once. */
export interface Round {
  readonly firstTokenMs: number
  readonly tokenMs: number
  readonly eachTokenMs: number
}

/** One side at so many streams; times of the rounds. */
export interface SideFigures {
  readonly firstTokenMs: Summary
  /** Between two tokens of one stream. */
  readonly tokenMs: Summary
  /** The whole time by all tokens of all streams. */
  readonly eachTokenMs: Summary
}

export const middle = (values: readonly number[]): number => summarize(values).median

export async function roundOf({ url }: Side, prompts: readonly string[], maxTokens: number): Promise<Round> {
  const startMs = performance.now()
  const all: readonly StreamTimes[] = await Promise.all(
    prompts.map((prompt) => timeStream(url, { model: benchModel, prompt, maxTokens })),
  )
  const wallMs = performance.now() - startMs
  const tokens = all.reduce((sum, each) => sum + each.tokens, 0)
  return {
    firstTokenMs: middle(all.map(({ firstTokenMs }) => firstTokenMs)),
    tokenMs: middle(all.map(({ tokenMs }) => tokenMs)),
    eachTokenMs: wallMs / tokens,
  }
}

/**
 * Rounds of two sides in turn, with the same prompts, which nobody has read before.
 *
 * @param from the number of the first prompt
 */
export async function inTurn(
  sides: readonly [Side, Side],
  { streams, tokens, rounds, from }: Record<'streams' | 'tokens' | 'rounds' | 'from', number>,
): Promise<readonly [readonly Round[], readonly Round[]]> {
  const taken: [Round[], Round[]] = [[], []]
  for (let round = 0; round < rounds; round += 1) {
    const prompts = Array.from({ length: streams }, (_, index) => storyOf(from + round * streams + index))
    // Who is first changes: neither always finds the machine as the other one has left it.
    for (const at of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      taken[at].push(await roundOf(sides[at], prompts, tokens))
    }
  }
  return taken
}

export const toFigures = (rounds: readonly Round[]): SideFigures => ({
  firstTokenMs: summarize(rounds.map(({ firstTokenMs }) => firstTokenMs)),
  tokenMs: summarize(rounds.map(({ tokenMs }) => tokenMs)),
  eachTokenMs: summarize(rounds.map(({ eachTokenMs }) => eachTokenMs)),
})

export const times = (ratio: number): string => `${ratio.toFixed(2)} times`
export const ms = ({ median, q1, q3 }: Summary): string => `${median.toFixed(1)} (${q1.toFixed(1)} to ${q3.toFixed(1)})`
export const lineOf = (name: string, { firstTokenMs, tokenMs, eachTokenMs }: SideFigures): string =>
  `  ${name.padEnd(10)} first token ${ms(firstTokenMs)}  between tokens ${ms(tokenMs)}  time by tokens ${ms(eachTokenMs)}`
