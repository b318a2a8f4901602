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
import { storyOf } from './text-endpoint/prompts.ts'
import { type StreamTimes, timeStream } from './text-endpoint/stream-times.ts'

const modelsDir = fileURLToPath(new URL('../.cache/bench-text-models/', import.meta.url))
const model = 'smollm2'

interface Side {
  readonly name: 'hither' | 'llama.cpp'
  readonly url: string
}

/** One side at so many streams; times of the rounds. */
interface SideFigures {
  readonly firstTokenMs: Summary
  /** Between two tokens of one stream. */
  readonly tokenMs: Summary
  /** The whole time by all tokens of all streams. */
  readonly eachTokenMs: Summary
}

interface StreamsFigures {
  readonly streams: number
  readonly hither: SideFigures
  readonly llama: SideFigures
  /** Hither's by llama.cpp's in the same round, median: below 1 is better. */
  readonly ratio: { readonly firstToken: number; readonly token: number; readonly eachToken: number }
}

interface Round {
  readonly firstTokenMs: number
  readonly tokenMs: number
  readonly eachTokenMs: number
}

const middle = (values: readonly number[]) => summarize(values).median

/** All streams of a round at once. */
async function roundOf({ url }: Side, prompts: readonly string[], maxTokens: number): Promise<Round> {
  const startMs = performance.now()
  const all: readonly StreamTimes[] = await Promise.all(
    prompts.map((prompt) => timeStream(url, { model, prompt, maxTokens })),
  )
  const wallMs = performance.now() - startMs
  const tokens = all.reduce((sum, each) => sum + each.tokens, 0)
  return {
    firstTokenMs: middle(all.map(({ firstTokenMs }) => firstTokenMs)),
    tokenMs: middle(all.map(({ tokenMs }) => tokenMs)),
    eachTokenMs: wallMs / tokens,
  }
}

const toFigures = (rounds: readonly Round[]): SideFigures => ({
  firstTokenMs: summarize(rounds.map(({ firstTokenMs }) => firstTokenMs)),
  tokenMs: summarize(rounds.map(({ tokenMs }) => tokenMs)),
  eachTokenMs: summarize(rounds.map(({ eachTokenMs }) => eachTokenMs)),
})

/**
 * Our endpoint beside the server of llama.cpp, the same weights: SmolLM2-135M, its GGUF file (4 bits) there, and in the 8
 * bits that it is converted to here. The two take turns. Then a gateway beside the endpoint that is behind it, in pairs, on
 * a model of a few thousand weights whose first token takes no time.
 *
 * Flags: `--tokens` of each answer (64), `--rounds` (5), `--streams` at once in the second part (8), `--threads` of each
 * side (1), `--pairs` of the third part (200), `--precision` of our weights (q8).
 */
export const bench: Bench = async (flags, print) => {
  const number = (name: string, usual: number) => Number(flags.value(name) ?? usual)
  const how = { tokens: number('tokens', 64), rounds: number('rounds', 5), threads: number('threads', 1) }
  const precision = flags.value('precision') === 'q4' ? 'q4' : 'q8'
  const loads = [loadavg()[0]]
  const { gguf } = await addSmollm2(`${modelsDir}${precision}`, { name: model, precision }, print)
  const server = await startServer(`${modelsDir}${precision}`, how.threads)
  let peer: StockTextServer | undefined
  const streams: StreamsFigures[] = []
  try {
    peer = await startLlama(gguf, how)
    const sides = [
      { name: 'hither', url: server.url },
      { name: 'llama.cpp', url: peer.url },
    ] as const
    for (const side of sides) await roundOf(side, [storyOf(0)], how.tokens)
    for (const count of [1, number('streams', 8)]) streams.push(await beside(sides, count, how, print))
  } finally {
    await peer?.stop()
    await server.close()
  }
  const gateway = await gatewayOver(number('pairs', 200), print)
  loads.push(loadavg()[0])
  const cores = availableParallelism()
  print(`cores ${cores}; load of the whole machine ${loads.map((each) => each?.toFixed(1)).join(' to ')}`)
  return { ...how, precision, peer: peer.version, cores, loads, streams, gateway }
}

async function beside(
  sides: readonly [Side, Side],
  count: number,
  { tokens, rounds }: { readonly tokens: number; readonly rounds: number },
  print: (line: string) => void,
): Promise<StreamsFigures> {
  const taken: [Round[], Round[]] = [[], []]
  for (let round = 0; round < rounds; round += 1) {
    const from = 1 + round * count + count * 1_000
    const prompts = Array.from({ length: count }, (_, index) => storyOf(from + index))
    // Who is first changes: neither always finds the machine as the other one has left it.
    for (const at of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      taken[at].push(await roundOf(sides[at], prompts, tokens))
    }
  }
  const [ours, theirs] = taken
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
  for (const { name } of sides) print(line(name, name === 'hither' ? figures.hither : figures.llama))
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

const times = (ratio: number) => `${ratio.toFixed(2)} times`
const ms = ({ median, q1, q3 }: Summary) => `${median.toFixed(1)} (${q1.toFixed(1)} to ${q3.toFixed(1)})`
const line = (name: string, { firstTokenMs, tokenMs, eachTokenMs }: SideFigures) =>
  `  ${name.padEnd(10)} first token ${ms(firstTokenMs)}  between tokens ${ms(tokenMs)}  time by tokens ${ms(eachTokenMs)}`
