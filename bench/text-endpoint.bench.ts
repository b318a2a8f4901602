import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type StockTextServer, startLlama } from '../interop/text/text-servers.ts'
import { tinyWriter } from '../src/testing/tiny-writer.ts'
import { writeWriter } from '../src/testing/write-writer.ts'
import { type BenchServer, startGateway, startServer } from './endpoint/server.ts'
import { addSmollm2 } from './generate/add-smollm2.ts'
import type { Bench } from './support/bench.ts'
import { type Summary, summarize } from './support/quantiles.ts'
import { besideTurns } from './text-endpoint/joint-runs.ts'
import { storyOf } from './text-endpoint/prompts.ts'
import {
  benchModel,
  inTurn,
  lineOf,
  middle,
  ms,
  type Round,
  roundOf,
  type Side,
  type SideFigures,
  times,
  toFigures,
} from './text-endpoint/rounds.ts'
import { timeStream } from './text-endpoint/stream-times.ts'

const modelsDir = fileURLToPath(new URL('../.cache/bench-text-models/', import.meta.url))
const parts = ['peer', 'joint', 'gateway'] as const

interface StreamsFigures {
  readonly streams: number
  readonly hither: SideFigures
  readonly llama: SideFigures
  /** Hither's by llama.cpp's in the same round, median: below 1 is better. */
  readonly ratio: { readonly firstToken: number; readonly token: number; readonly eachToken: number }
}

/**
 * Our endpoint beside the server of llama.cpp, the same weights: SmolLM2-135M, its GGUF file (4 bits) there, and in the 8
 * bits that it is converted to here. The two take turns. Then one, four and eight streams of the endpoint beside the same
 * where each text is read alone. Then a gateway beside the endpoint that is behind it, in pairs, on a model of a few
 * thousand weights whose first token takes no time.
 *
 * Flags: `--part` peer, joint or gateway (all), `--tokens` of each answer (64), `--rounds` (5), `--streams` at once beside
 * the peer (8), `--threads` of each side (1), `--pairs` of the gateway's (200), `--precision` of our weights (q8).
 */
export const bench: Bench = async (flags, print) => {
  const number = (name: string, usual: number) => Number(flags.value(name) ?? usual)
  const how = { tokens: number('tokens', 64), rounds: number('rounds', 5), threads: number('threads', 1) }
  const precision = flags.value('precision') === 'q4' ? 'q4' : 'q8'
  const wants = (part: (typeof parts)[number]) => (flags.value('part') ?? part) === part
  const loads = [loadavg()[0]]
  const folder = `${modelsDir}${precision}`
  const { gguf } = await addSmollm2(folder, { name: benchModel, precision }, print)
  const peer = wants('peer') ? await besidePeer(folder, gguf, number('streams', 8), how, print) : undefined
  const joint = wants('joint') ? await besideTurns(folder, how, print) : undefined
  const gateway = wants('gateway') ? await gatewayOver(number('pairs', 200), print) : undefined
  loads.push(loadavg()[0])
  const cores = availableParallelism()
  print(`cores ${cores}; load of the whole machine ${loads.map((each) => each?.toFixed(1)).join(' to ')}`)
  return { ...how, precision, ...peer, cores, loads, joint, gateway }
}

interface How {
  readonly tokens: number
  readonly rounds: number
  readonly threads: number
}

async function besidePeer(
  folder: string,
  gguf: string,
  most: number,
  how: How,
  print: (line: string) => void,
): Promise<{ readonly peer: string; readonly streams: readonly StreamsFigures[] }> {
  const server = await startServer(folder, how.threads)
  let peer: StockTextServer | undefined
  const streams: StreamsFigures[] = []
  try {
    peer = await startLlama(gguf, how)
    const sides = [
      { name: 'hither', url: server.url },
      { name: 'llama.cpp', url: peer.url },
    ] as const
    for (const side of sides) await roundOf(side, [storyOf(0)], how.tokens)
    for (const count of [1, most]) streams.push(await beside(sides, count, how, print))
    return { peer: peer.version, streams }
  } finally {
    await peer?.stop()
    await server.close()
  }
}

async function beside(
  sides: readonly [Side, Side],
  count: number,
  { tokens, rounds }: How,
  print: (line: string) => void,
): Promise<StreamsFigures> {
  const [ours, theirs] = await inTurn(sides, { streams: count, tokens, rounds, from: 1 + count * 1_000 })
  const ratio = (of: (round: Round) => number) =>
    middle(ours.map((round, index) => of(round) / of(theirs[index] ?? round)))
  const figures: StreamsFigures = {
    streams: count,
    hither: toFigures(ours),
    llama: toFigures(theirs),
    ratio: {
      firstToken: ratio((round) => round.firstTokenMs),
      token: ratio((round) => round.tokenMs),
      eachToken: ratio((round) => round.eachTokenMs),
    },
  }
  print(`${count} stream(s), ${tokens} tokens each, ${rounds} rounds, ms`)
  for (const { name } of sides) print(lineOf(name, name === 'hither' ? figures.hither : figures.llama))
  const { firstToken, token, eachToken } = figures.ratio
  print(
    `  hither by llama.cpp: first token ${times(firstToken)}, between tokens ${times(token)}, time by tokens ${times(eachToken)}`,
  )
  return figures
}

interface GatewayFigures {
  readonly pairs: number
  readonly directMs: Summary
  readonly behindMs: Summary
  /** The gateway's less the direct one's, of each pair. */
  readonly moreMs: Summary
}

/** What a gateway adds to the first token: one request of each in turn, whose order changes. */
async function gatewayOver(pairs: number, print: (line: string) => void): Promise<GatewayFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'hither-bench-text-'))
  const writer = await tinyWriter({ contextTokens: 256 })
  await writeWriter(folder, writer)
  const opened: BenchServer[] = []
  try {
    const server = await startServer(folder, 1)
    opened.push(server)
    const gateway = await startGateway(server.url, 1)
    opened.push(gateway)
    const urls = [server.url, gateway.url] as const
    let count = 0
    const first = async (url: string) => {
      count += 1
      const request = { model: writer.manifest.name, prompt: `${count} once upon a time`, maxTokens: 2 }
      return (await timeStream(url, request)).firstTokenMs
    }
    // Sessions are made and code is compiled before anything counts.
    for (let warm = 0; warm < 40; warm += 1) await first(urls[warm % 2 === 0 ? 0 : 1])
    const taken: [number[], number[]] = [[], []]
    for (let pair = 0; pair < pairs; pair += 1) {
      for (const at of pair % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) taken[at].push(await first(urls[at]))
    }
    const [direct, behind] = taken
    const figures: GatewayFigures = {
      pairs,
      directMs: summarize(direct),
      behindMs: summarize(behind),
      moreMs: summarize(behind.map((each, pair) => each - (direct[pair] ?? Number.NaN))),
    }
    const { directMs, behindMs, moreMs } = figures
    print(`a gateway before the endpoint, first token of a tiny model, ${pairs} pairs, ms`)
    print(`  direct ${ms(directMs)}  behind it ${ms(behindMs)}  more ${ms(moreMs)}`)
    return figures
  } finally {
    for (const each of opened.reverse()) await each.close()
    await rm(folder, { recursive: true, force: true })
  }
}
