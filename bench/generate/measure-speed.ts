import type { Browser, Page } from 'playwright'
import { quantile, type Summary, summarize } from '../support/quantiles.ts'
import type { ArmName } from './arms.ts'
import type { Prompts } from './prompts.ts'
import { openWriter, write } from './writer-pages.ts'

/** Runs of an instance that are not counted: for so long the browser makes its code better. */
const warmRuns = 25

export interface SpeedOptions {
  readonly origin: string
  readonly names: readonly ArmName[]
  readonly prompts: Prompts
  readonly threads: number
  readonly rounds: number
  /** Tokens of the prompts. */
  readonly contexts: readonly number[]
  /** Tokens that are written after each. */
  readonly tokens: number
  readonly print: (line: string) => void
  readonly isVerbose: boolean
}

interface Sample {
  readonly name: ArmName
  readonly context: number
  readonly firstMs: number
  readonly tokenMs: number
}
interface Speed {
  readonly first: Summary
  readonly token: Summary
}

const ours: readonly ArmName[] = ['client-q8', 'hither-q8']
/** What is asked of our 8 bits, as a share of another's time. */
const asked: readonly { readonly beside: ArmName; readonly of: 'firstMs' | 'tokenMs'; readonly share: number }[] = [
  { beside: 'transformers-q8', of: 'firstMs', share: 0.35 },
  { beside: 'transformers-q8', of: 'tokenMs', share: 0.75 },
  { beside: 'wllama', of: 'firstMs', share: 1.3 },
  { beside: 'wllama', of: 'tokenMs', share: 1.3 },
]

const ms = (value: number) => `${value.toFixed(value < 100 ? 1 : 0)} ms`
const shown = ({ median, q1, q3 }: Summary) => `${ms(median)} (${ms(q1)} to ${ms(q3)})`

async function openAll(browser: Browser, options: SpeedOptions): Promise<readonly (readonly [ArmName, Page])[]> {
  const { origin, names, prompts, threads, contexts, print } = options
  const pages: [ArmName, Page][] = []
  for (const name of names) {
    const page = await openWriter(browser, origin, name, threads, print)
    // Each kernel has its turn: that of one token, and those of prompts.
    for (const context of contexts) await write(page, prompts.next(context), 1)
    await write(page, prompts.next(Math.min(...contexts)), warmRuns)
    pages.push([name, page])
  }
  return pages
}

/** The contenders in turn, each one first as often as the others, with a prompt of its own each time. */
async function takeSamples(pages: readonly (readonly [ArmName, Page])[], options: SpeedOptions): Promise<Sample[]> {
  const { prompts, rounds, contexts, tokens, print, isVerbose } = options
  const samples: Sample[] = []
  for (let round = 0; round < rounds; round += 1) {
    for (const context of contexts) {
      for (let turn = 0; turn < pages.length; turn += 1) {
        const [name, page] = pages[(turn + round) % pages.length] ?? []
        if (name === undefined || page === undefined) continue
        const { atMs } = await write(page, prompts.next(context), tokens)
        const gaps = atMs.slice(1).map((at, index) => at - (atMs[index] ?? Number.NaN))
        const sample = { name, context, firstMs: atMs[0] ?? Number.NaN, tokenMs: quantile(gaps, 0.5) }
        samples.push(sample)
        if (isVerbose) print(`  ${name}, ${context}: ${ms(sample.firstMs)}, then ${ms(sample.tokenMs)} a token`)
      }
    }
  }
  return samples
}

/** Time until the first token, and from token to token, of each contender after prompts of each length. */
export async function measureSpeed(browser: Browser, options: SpeedOptions) {
  const { contexts, names, threads, print } = options
  const pages = await openAll(browser, options)
  const samples = await takeSamples(pages, options)
  for (const [, page] of pages) await page.context().close()

  const rows = contexts.map((context) => {
    const of = (name: ArmName) => samples.filter((sample) => sample.context === context && sample.name === name)
    const speeds: Partial<Record<ArmName, Speed>> = {}
    print(`\n${threads} thread(s), after a prompt of ${context} tokens: first token, then each`)
    for (const name of names) {
      const speed = {
        first: summarize(of(name).map(({ firstMs }) => firstMs)),
        token: summarize(of(name).map(({ tokenMs }) => tokenMs)),
      }
      speeds[name] = speed
      print(`  ${name.padEnd(26)} ${shown(speed.first).padEnd(34)} ${shown(speed.token)}`)
    }
    // By pairs that followed each other: where the machine's speed changes, both of a pair saw the same.
    const shares = ours
      .filter((own) => names.includes(own))
      .flatMap((own) => asked.map((each) => ({ own, ...each })))
      .filter(({ beside }) => names.includes(beside))
      .map(({ own, beside, of: what, share }) => {
        const others = of(beside)
        const pairs = of(own).map((sample, index) => sample[what] / (others[index]?.[what] ?? Number.NaN))
        const median = quantile(pairs, 0.5)
        const label = what === 'firstMs' ? 'first token' : 'a token'
        print(`  ${own}, ${label}: ${median.toFixed(2)} x ${beside}'s (asked at 512: at most ${share})`)
        return { own, beside, what, median, asked: share }
      })
    return { context, speeds, shares }
  })
  return { threads, rows }
}
