import type { Page } from 'playwright'
import { quantile, summarize } from '../support/quantiles.ts'
import { slopePer } from '../support/slope.ts'
import type { Prompts } from './prompts.ts'
import { memoryOf, write } from './writer-pages.ts'

/** Tokens of a first turn, of its answer, and of what follows. */
const [firstTokens, answerTokens, turnTokens] = [256, 32, 32]
const abortedTokens = 1_000
/** An abort comes at any place of a run. */
const abortsAfterMs = (round: number) => 150 + 37 * (round % 20)
const memorySamples = 20

const ms = (value: number) => `${value.toFixed(0)} ms`

/** What Hither's cache of keys and values saves, how soon an abort frees the device, and whether memory stays flat. */
export async function measureReuse(
  page: Page,
  prompts: Prompts,
  options: { readonly rounds: number; readonly conversations: number },
  print: (line: string) => void,
) {
  const { rounds, conversations } = options
  await write(page, prompts.next(64), 25)
  const [second, edited, stops]: [number[], number[], number[]] = [[], [], []]
  const remembers = true
  for (let round = 0; round < rounds; round += 1) {
    const first = prompts.next(firstTokens)
    const one = await write(page, first, answerTokens, { remembers })
    const said = [...first.ids, ...(one.ids.length > 0 ? one.ids : prompts.idsOf(one.text))]
    const turn = prompts.next(turnTokens).ids
    const two = await write(page, prompts.of([...said, ...turn]), 1, { remembers })
    // Half of the last question is another one.
    const other = [...turn.slice(0, turnTokens / 2), ...prompts.next(turnTokens / 2).ids]
    const three = await write(page, prompts.of([...said, ...other]), 1, { remembers })
    const firstMs = one.atMs[0] ?? Number.NaN
    second.push((two.atMs[0] ?? Number.NaN) / firstMs)
    edited.push((three.atMs[0] ?? Number.NaN) / firstMs)
    const aborted = await write(page, prompts.next(abortedTokens), 1, { abortAfterMs: abortsAfterMs(round) })
    if (aborted.nextAfterMs !== undefined && aborted.atMs.length === 0) stops.push(aborted.nextAfterMs)
  }
  const shares = { second: summarize(second), edited: summarize(edited) }
  print(`\nthe second turn's first token: ${shares.second.median.toFixed(2)} x the first's (asked: at most 0.3)`)
  print(`an edited turn's: ${shares.edited.median.toFixed(2)} x (asked: at most 0.5)`)
  const abort = { ...summarize(stops), longest: quantile(stops, 1) }
  print(
    `aborted in a prompt of ${abortedTokens}, it has another text's first token after ${ms(abort.median)}, at most ${ms(abort.longest)} (asked: 400 ms)`,
  )

  const memory: number[] = []
  const each = Math.ceil(conversations / memorySamples)
  for (let sample = 0; sample <= memorySamples && conversations > 0; sample += 1) {
    for (let index = 0; index < each; index += 1) await write(page, prompts.next(64), 8, { remembers })
    memory.push(await memoryOf(page))
  }
  // The cache has a budget, which the first conversations fill.
  const full = memory.slice(memorySamples / 2)
  const slopeBytes = slopePer(full) / each
  if (conversations > 0) {
    const mb = (bytes = Number.NaN) => `${(bytes / 1e6).toFixed(1)} MB`
    print(
      `${conversations} conversations: ${mb(memory[0])} to ${mb(memory.at(-1))}; in the second half ${(slopeBytes / 1e3).toFixed(1)} kB each`,
    )
  }
  return { ...shares, abort, memory, slopeBytes }
}
