import { rm } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { bareRunsPerSecond } from './endpoint/bare-loop.ts'
import { openIdleSockets } from './endpoint/idle-sockets.ts'
import { saturate, warmUp } from './endpoint/load.ts'
import { startMlserver } from './endpoint/mlserver.ts'
import { type BenchModel, type Body, gatherModels, toBody } from './endpoint/models.ts'
import { type Latency, latencyAt, type Overload, overload } from './endpoint/offer-load.ts'
import { type BenchServer, startGateway, startServer } from './endpoint/server.ts'
import type { Bench } from './support/bench.ts'
import { quantile } from './support/quantiles.ts'

interface ModelFigures {
  readonly model: string
  readonly barePerSecond: number
  readonly perSecond: number
  /** Requests a second at saturation by what the same threads do without an endpoint. */
  readonly share: number
  readonly jsonPerSecond: number
  readonly halfLoad: Latency
  readonly idleSockets: Latency & { readonly count: number }
  readonly tenTimes: Overload & { readonly p99ByHalfLoad: number }
  readonly gateway: { readonly perSecond: number; readonly share: number; readonly halfLoad: Latency }
  readonly mlserver?: { readonly perSecond: number; readonly times: number; readonly version: string }
}

interface How {
  readonly modelsDir: string
  readonly workers: number
  readonly seconds: number
  readonly rounds: number
  readonly print: (line: string) => void
}

/** Case 45 of the reliability list. */
const idleSockets = 5000

/**
 * The endpoint at saturation, at half and at ten times its load, beside the same threads without it, behind a gateway,
 * and beside MLServer where `npm run interop` has installed it. Flags: `--workers` (default 1 less than there are cores),
 * `--seconds` of each measurement (5), `--rounds` in which the endpoint and what it is held against take turns (3),
 * `--model` for one alone.
 */
export const bench: Bench = async (flags, print) => {
  const workers = Number(flags.value('workers') ?? Math.max(1, availableParallelism() - 1))
  const seconds = Number(flags.value('seconds') ?? 5)
  const rounds = Number(flags.value('rounds') ?? 3)
  const only = flags.value('model')
  const { modelsDir, models } = await gatherModels(print)
  const figures: ModelFigures[] = []
  const load = [loadavg()[0]]
  try {
    for (const model of models.filter(({ name }) => only === undefined || name === only)) {
      print(`${model.name}, ${workers} worker(s)`)
      figures.push(await measure(model, { modelsDir, workers, seconds, rounds, print }))
    }
  } finally {
    await rm(modelsDir, { recursive: true })
  }
  load.push(loadavg()[0])
  print(
    `cores ${availableParallelism()}; load of the whole machine ${load.map((each) => each?.toFixed(1)).join(' to ')}`,
  )
  return { workers, seconds, rounds, cores: availableParallelism(), load, models: figures }
}

async function measure(model: BenchModel, how: How): Promise<ModelFigures> {
  const { modelsDir, workers, seconds, print } = how
  const server = await startServer(modelsDir, workers)
  const url = `${server.url}/v2/models/${model.name}/infer`
  try {
    const [binary, json] = [toBody(model, true), toBody(model, false)]
    await warmUp(url, binary)
    const {
      one: barePerSecond,
      other: perSecond,
      ratio: share,
    } = await inTurns(
      how,
      (part) => bareRunsPerSecond(model, workers, part),
      (part) => saturate(url, binary, workers, part),
    )
    print(`  saturation    ${rate(perSecond)}  bare loop ${rate(barePerSecond)}  share ${share.toFixed(2)}`)
    const jsonPerSecond = await saturate(url, json, workers, seconds)
    print(`  JSON          ${rate(jsonPerSecond)}  binary is ${(perSecond / jsonPerSecond).toFixed(1)} times that`)
    const halfLoad = await latencyAt(url, binary, { perSecond: perSecond / 2, seconds: 2 * seconds })
    print(`  half the load ${latency(halfLoad)}`)
    const idle = await withIdleSockets(server, () =>
      latencyAt(url, binary, { perSecond: perSecond / 2, seconds: 2 * seconds }),
    )
    print(`    and ${idleSockets} silent connections ${latency(idle)}`)
    const tenTimes = await ten(server, { url, body: binary }, { perSecond, seconds, p99Ms: halfLoad.p99Ms }, print)
    const gateway = await behind(server, model, binary, how)
    const mlserver = await beside(model, { url, binary, json }, how)
    const figures = { model: model.name, barePerSecond, perSecond, share, jsonPerSecond, halfLoad, tenTimes, gateway }
    return { ...figures, idleSockets: { count: idleSockets, ...idle }, ...(mlserver && { mlserver }) }
  } finally {
    await server.close()
  }
}

type Measurement = (seconds: number) => Promise<number>

interface Turns {
  /** Medians of the rounds. */
  readonly one: number
  readonly other: number
  /** Median over the rounds of what the other one did by what the first did just before it. */
  readonly ratio: number
}

/** Both in turn, several times: what else the machine does changes, and falls on both alike. */
async function inTurns({ rounds, seconds }: How, one: Measurement, other: Measurement): Promise<Turns> {
  const ones: number[] = []
  const others: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    ones.push(await one(seconds))
    others.push(await other(seconds))
  }
  const ratios = others.map((each, round) => each / (ones[round] ?? Number.NaN))
  return { one: quantile(ones, 0.5), other: quantile(others, 0.5), ratio: quantile(ratios, 0.5) }
}

async function withIdleSockets<T>(server: BenchServer, work: () => Promise<T>): Promise<T> {
  const close = await openIdleSockets(server.url, idleSockets)
  try {
    return await work()
  } finally {
    close()
  }
}

async function behind(server: BenchServer, model: BenchModel, body: Body, how: How): Promise<ModelFigures['gateway']> {
  const { workers, seconds, print } = how
  const gateway = await startGateway(server.url, workers)
  const path = `/v2/models/${model.name}/infer`
  try {
    await warmUp(gateway.url + path, body)
    const {
      one: direct,
      other: perSecond,
      ratio: share,
    } = await inTurns(
      how,
      (part) => saturate(server.url + path, body, workers, part),
      (part) => saturate(gateway.url + path, body, workers, part),
    )
    print(`  by a gateway  ${rate(perSecond)}  direct ${rate(direct)}  share ${share.toFixed(2)}`)
    const halfLoad = await latencyAt(gateway.url + path, body, { perSecond: perSecond / 2, seconds: 2 * seconds })
    print(`    half its load ${latency(halfLoad)}`)
    return { perSecond, share, halfLoad }
  } finally {
    await gateway.close()
  }
}

async function beside(
  model: BenchModel,
  { url, binary, json }: { readonly url: string; readonly binary: Body; readonly json: Body },
  how: How,
): Promise<ModelFigures['mlserver'] | undefined> {
  const { workers, print } = how
  const peer = await startMlserver([model])
  if (peer === undefined) return undefined
  try {
    const theirs = `${peer.url}/v2/models/${model.name}/infer`
    await warmUp(theirs, json)
    const { one: perSecond, ratio: times } = await inTurns(
      how,
      (part) => saturate(theirs, json, workers, part),
      (part) => saturate(url, binary, workers, part),
    )
    print(`  ${peer.version} ${rate(perSecond)}  the endpoint is ${times.toFixed(1)} times that`)
    return { perSecond, times, version: peer.version }
  } finally {
    await peer.close()
  }
}

async function ten(
  server: BenchServer,
  target: { readonly url: string; readonly body: Body },
  load: { readonly perSecond: number; readonly seconds: number; readonly p99Ms: number },
  print: (line: string) => void,
): Promise<ModelFigures['tenTimes']> {
  const idleBytes = await server.memoryBytes()
  const timeoutMs = 2 * load.p99Ms
  const offered = { perSecond: 10 * load.perSecond, seconds: load.seconds, timeoutMs }
  const result = await overload(server, target.url, target.body, offered)
  const {
    duePerSecond,
    offeredPerSecond,
    admittedPerSecond,
    admittedP99Ms,
    refusedPerSecond,
    refusedP50Ms,
    refusedP99Ms,
  } = result
  const p99ByHalfLoad = admittedP99Ms / load.p99Ms
  print(`  ten times     due ${rate(duePerSecond)}, sent ${rate(offeredPerSecond)}, each waits ${ms(timeoutMs)}`)
  print(
    `    admitted    ${rate(admittedPerSecond)}  p99 ${ms(admittedP99Ms)}, ${p99ByHalfLoad.toFixed(2)} times that at half the load`,
  )
  print(
    `    refused     ${rate(refusedPerSecond)}  p50 ${ms(refusedP50Ms)}  p99 ${ms(refusedP99Ms)}; other answers ${result.otherAnswers}`,
  )
  print(`    memory      ${mebi(idleBytes)} before, at most ${mebi(result.peakMemoryBytes)}`)
  return { ...result, p99ByHalfLoad }
}

const rate = (perSecond: number): string => `${perSecond.toFixed(1).padStart(8)}/s`
const ms = (value: number): string => `${value.toFixed(1)} ms`
const mebi = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`
const latency = ({ p50Ms, p99Ms }: Latency): string => `p50 ${ms(p50Ms)}  p99 ${ms(p99Ms)}`
