import { fileURLToPath } from 'node:url'
import { openTextServer } from '../src/cloud/text/open-text-server.ts'
import { isHitherError } from '../src/errors/hither-error.ts'
import { greedy } from '../src/generation/sampling/sampling.ts'
import { type CuttingProxy, openCuttingProxy } from '../src/testing/cutting-proxy.ts'
import { type BenchServer, startGateway, startServer } from './endpoint/server.ts'
import type { Bench } from './support/bench.ts'
import { storyOf } from './text-endpoint/prompts.ts'

const modelsDir = fileURLToPath(new URL('../packages/hither-models/models/', import.meta.url))
const model = 'tales'
const patience = { firstSilenceMs: 300_000, silenceMs: 120_000, maxWaitMs: 60_000 }
/** Between two looks at the processes' memory. */
const lookMs = 15_000

interface Counts {
  whole: number
  /** Whole, but not the text that is written undisturbed. */
  other: number
  cutOff: number
  faults: number
  readonly codes: Map<string, number>
}

/**
 * Many texts at once through a gateway before two endpoints, whose connections are cut or fall silent in the midst of one
 * answer in twenty: whether all end whole, nothing is left behind, and memory stays flat.
 *
 * `--minutes` (60), `--streams` at once (20), `--faults` as a share of the answers (0.05), `--tokens` of each (60).
 */
export const bench: Bench = async (flags, print) => {
  const number = (name: string, usual: number) => Number(flags.value(name) ?? usual)
  const minutes = number('minutes', 60)
  const [streams, faults, tokens] = [number('streams', 20), number('faults', 0.05), number('tokens', 60)]
  const opened: { close(): Promise<void> }[] = []
  const open = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const made = await opening
    opened.push(made)
    return made
  }
  try {
    const servers: BenchServer[] = [await open(startServer(modelsDir, 1)), await open(startServer(modelsDir, 1))]
    const proxies: CuttingProxy[] = []
    for (const { url } of servers) proxies.push(await open(openCuttingProxy(url)))
    const gateway = await open(startGateway(proxies.map(({ url }) => url).join(','), 1))
    const memory = async () => Promise.all([gateway, ...servers].map((each) => each.memoryBytes()))
    const expected = await writeUndisturbed(servers[0]?.url ?? '', tokens)

    const counts: Counts = { whole: 0, other: 0, cutOff: 0, faults: 0, codes: new Map() }
    const until = performance.now() + minutes * 60_000
    const looks: number[][] = []
    const looking = setInterval(() => void memory().then((bytes) => looks.push(bytes)), lookMs)
    await Promise.all(
      Array.from({ length: streams }, (_, stream) =>
        keepWriting(gateway.url, { stream, until, tokens, faults, proxies, expected, counts }),
      ),
    )
    clearInterval(looking)
    // What has ended must be known to have.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const pending = await pendingOf([gateway, ...servers])
    const figures = {
      minutes,
      streams,
      ...counts,
      codes: Object.fromEntries(counts.codes),
      pending,
      memory: memoryOf(looks),
    }
    printFigures(figures, print)
    return figures
  } finally {
    for (const each of opened.reverse()) await each.close()
  }
}

const promptsInAll = 24

/** What each prompt's answer is, with nothing in its way. */
async function writeUndisturbed(url: string, maxTokens: number): Promise<readonly string[]> {
  const server = openTextServer({ url })
  const texts: string[] = []
  for (let prompt = 0; prompt < promptsInAll; prompt += 1) texts.push(await write(server, prompt, maxTokens))
  return texts
}

async function write(server: ReturnType<typeof openTextServer>, prompt: number, maxTokens: number): Promise<string> {
  let text = ''
  const request = { model, prompt: { text: storyOf(prompt) }, sampling: greedy, stops: [], maxTokens }
  await server.write(request, {
    ...patience,
    onPart(part) {
      if (part.type === 'text') text += part.text
    },
  })
  return text
}

/** One stream after the other, until the time is over. */
async function keepWriting(
  url: string,
  options: {
    readonly stream: number
    readonly until: number
    readonly tokens: number
    readonly faults: number
    readonly proxies: readonly CuttingProxy[]
    readonly expected: readonly string[]
    readonly counts: Counts
  },
): Promise<void> {
  const { stream, until, tokens, faults, proxies, expected, counts } = options
  const server = openTextServer({ url })
  for (let answer = stream; performance.now() < until; answer += 1) {
    const prompt = answer % promptsInAll
    if (Math.random() < faults) {
      counts.faults += 1
      const proxy = proxies[Math.floor(Math.random() * proxies.length)]
      const at = Math.floor(Math.random() * tokens)
      if (Math.random() < 0.5) proxy?.cutAfter(at)
      else proxy?.stallAfter(at)
    }
    try {
      const text = await write(server, prompt, tokens)
      counts.whole += 1
      if (text !== expected[prompt]) counts.other += 1
    } catch (error) {
      counts.cutOff += 1
      const code = isHitherError(error) ? `${error.code}: ${error.message}` : String(error)
      counts.codes.set(code, (counts.codes.get(code) ?? 0) + 1)
    }
  }
}

/** Requests that the processes still count as waiting or running. */
async function pendingOf(servers: readonly BenchServer[]): Promise<number> {
  const counts = await Promise.all(
    servers.map(async ({ url }) => {
      const text = await (await fetch(`${url}/metrics`)).text()
      const lines = text.split('\n').filter((line) => /^hither_(workers_busy|waiting)\b/.test(line))
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Of each process, in megabytes: on average in the second quarter of the time, and in the last. */
function memoryOf(looks: readonly (readonly number[])[]) {
  const quarter = Math.floor(looks.length / 4)
  const average = (rows: readonly (readonly number[])[], at: number) =>
    rows.reduce((sum, row) => sum + (row[at] ?? Number.NaN), 0) / rows.length / 1e6
  return ['gateway', 'endpoint 1', 'endpoint 2'].map((name, at) => ({
    name,
    earlyMb: average(looks.slice(quarter, 2 * quarter), at),
    lateMb: average(looks.slice(-quarter), at),
  }))
}

function printFigures(
  figures: Omit<Counts, 'codes'> & {
    readonly codes: Readonly<Record<string, number>>
    readonly minutes: number
    readonly streams: number
    readonly pending: number
    readonly memory: ReturnType<typeof memoryOf>
  },
  print: (line: string) => void,
): void {
  const { minutes, streams, whole, other, cutOff, faults, codes, pending, memory } = figures
  print(
    `${minutes} minutes, ${streams} texts at once: ${whole} whole (${other} of them another text), ${cutOff} cut off`,
  )
  print(`${faults} connections cut or silent; ${pending} requests left behind; ${JSON.stringify(codes)}`)
  for (const { name, earlyMb, lateMb } of memory) {
    print(`  ${name.padEnd(10)} ${earlyMb.toFixed(0)} MB in the second quarter, ${lateMb.toFixed(0)} MB in the last`)
  }
}
