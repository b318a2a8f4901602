import { type BenchServer, startServer } from '../endpoint/server.ts'
import { type Summary, summarize } from '../support/quantiles.ts'
import { inTurn, lineOf, middle, type SideFigures, times, toFigures } from './rounds.ts'

/** So many streams whose tokens are read in one run, and in runs of their own. */
export interface JointFigures {
  readonly streams: number
  readonly joint: SideFigures
  readonly turns: SideFigures
  /** Tokens a second of all streams, prompts included: joint by turns in the same round. Above 1 is better. */
  readonly gain: Summary
  /** Of the process, after the rounds so far. */
  readonly memoryBytes: { readonly joint: number; readonly turns: number }
}

/** The endpoint beside itself where each text is read alone: the two take turns. */
export async function besideTurns(
  modelsDir: string,
  how: { readonly threads: number; readonly tokens: number; readonly rounds: number },
  print: (line: string) => void,
): Promise<readonly JointFigures[]> {
  const opened: BenchServer[] = []
  const open = async (env: Readonly<Record<string, string>> = {}) => {
    const server = await startServer(modelsDir, how.threads, env)
    opened.push(server)
    return server
  }
  const figures: JointFigures[] = []
  try {
    const joint = await open()
    const turns = await open({ NODE_OPTIONS: `--import ${new URL('one-text-a-run.mjs', import.meta.url).href}` })
    const sides = [
      { name: 'joint', url: joint.url },
      { name: 'turns', url: turns.url },
    ] as const
    const { tokens, rounds } = how
    for (const streams of [1, 4, 8]) {
      // The first round of each is not counted: sessions are made, and new forms of runs are compared.
      const from = streams * 10_000
      await inTurn(sides, { streams, tokens, rounds: 1, from })
      const [ours, others] = await inTurn(sides, { streams, tokens, rounds, from: from + streams })
      const gain = summarize(ours.map((round, at) => (others[at] ?? round).eachTokenMs / round.eachTokenMs))
      const memoryBytes = { joint: await joint.memoryBytes(), turns: await turns.memoryBytes() }
      figures.push({ streams, joint: toFigures(ours), turns: toFigures(others), gain, memoryBytes })
      print(`${streams} stream(s), ${tokens} tokens each, ${rounds} rounds, ms; joint runs and turns`)
      print(lineOf('joint', toFigures(ours)))
      print(lineOf('turns', toFigures(others)))
      const tokenGain = middle(ours.map((round, at) => (others[at] ?? round).tokenMs / round.tokenMs))
      const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`
      print(
        `  tokens a second, joint by turns: ${times(gain.median)} (${gain.q1.toFixed(2)} to ${gain.q3.toFixed(2)}); ` +
          `between tokens ${times(tokenGain)}; memory ${mib(memoryBytes.joint)} and ${mib(memoryBytes.turns)}`,
      )
    }
  } finally {
    for (const server of opened) await server.close()
  }
  return figures
}
