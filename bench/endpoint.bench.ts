import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import autocannon from 'autocannon'
import { bareRunsPerSecond } from './endpoint/bare-loop.ts'
import { type BenchModel, type Body, gatherModels, toBody } from './endpoint/models.ts'
import { type Overload, overload } from './endpoint/overload.ts'
import { type BenchServer, startServer } from './endpoint/server.ts'
import type { Bench } from './support/bench.ts'

interface ModelFigures {
  readonly model: string
  readonly barePerSecond: number
  readonly perSecond: number
  /** Requests a second at saturation by what the same threads do without an endpoint. */
  readonly share: number
  readonly jsonPerSecond: number
  readonly halfLoad: { readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number }
  readonly tenTimes?: Overload & { readonly p99ByHalfLoad: number }
  readonly mlserver?: { readonly perSecond: number; readonly times: number }
}

/**
 * The endpoint at saturation, at half and at ten times its load, beside the same threads without it. Flags: `--workers`
 * (default 1 less than there are cores), `--seconds` of each measurement (5), `--model` for one alone, `--mlserver URL`
 * for a server that has the same models.
 */
export const bench: Bench = async (flags, print) => {
  const workers = Number(flags.value('workers') ?? Math.max(1, availableParallelism() - 1))
  const seconds = Number(flags.value('seconds') ?? 5)
  const only = flags.value('model')
  const { modelsDir, models } = await gatherModels(print)
  const figures: ModelFigures[] = []
  try {
    for (const model of models.filter(({ name }) => only === undefined || name === only)) {
      print(`${model.name}, ${workers} worker(s)`)
      figures.push(await measure(model, { modelsDir, workers, seconds, mlserver: flags.value('mlserver'), print }))
    }
  } finally {
    await rm(modelsDir, { recursive: true })
  }
  return { workers, seconds, models: figures }
}

async function measure(
  model: BenchModel,
  how: {
    readonly modelsDir: string
    readonly workers: number
    readonly seconds: number
    readonly mlserver: string | undefined
    readonly print: (line: string) => void
  },
): Promise<ModelFigures> {
  const { modelsDir, workers, seconds, mlserver, print } = how
  // Twice around the endpoint's: what else the machine does changes, and the mean of both is nearer to the same moment.
  const before = await bareRunsPerSecond(model, workers, seconds / 2)
  const server = await startServer(modelsDir, workers)
  const path = `/v2/models/${model.name}/infer`
  try {
    const [binary, json] = [toBody(model, true), toBody(model, false)]
    await saturate(server.url + path, binary, workers, 1)
    const { perSecond } = await saturate(server.url + path, binary, workers, seconds)
    const after = await bareRunsPerSecond(model, workers, seconds / 2)
    const barePerSecond = (before + after) / 2
    const share = perSecond / barePerSecond
    print(`  saturation    ${rate(perSecond)}  bare loop ${rate(barePerSecond)}  share ${share.toFixed(2)}`)
    const { perSecond: jsonPerSecond } = await saturate(server.url + path, json, workers, seconds)
    print(`  JSON          ${rate(jsonPerSecond)}  binary is ${(perSecond / jsonPerSecond).toFixed(1)} times that`)
    const halfLoad = await half(server.url + path, binary, perSecond / 2, seconds * 2)
    print(`  half the load p50 ${ms(halfLoad.p50Ms)}  p99 ${ms(halfLoad.p99Ms)}`)
    const tenTimes = await ten(server, { path, body: binary }, { perSecond, seconds, p99Ms: halfLoad.p99Ms }, print)
    const peer = mlserver === undefined ? undefined : await saturate(`${mlserver}${path}`, json, workers, seconds)
    if (peer !== undefined)
      print(
        `  MLServer      ${rate(peer.perSecond)}  the endpoint is ${(perSecond / peer.perSecond).toFixed(1)} times that`,
      )
    const beside = peer && { perSecond: peer.perSecond, times: perSecond / peer.perSecond }
    const figures = { model: model.name, barePerSecond, perSecond, share, jsonPerSecond, halfLoad, tenTimes }
    return beside === undefined ? figures : { ...figures, mlserver: beside }
  } finally {
    await server.close()
  }
}

async function saturate(url: string, { body, headers }: Body, workers: number, seconds: number) {
  const connections = 4 * workers
  const result = await autocannon({ url, method: 'POST', headers, body, connections, duration: seconds, timeout: 30 })
  if (result['2xx'] === 0)
    throw new Error(`${url} answered nothing: ${result.non2xx} other answers, ${result.errors} errors`)
  return { perSecond: result['2xx'] / result.duration }
}

async function half(url: string, { body, headers }: Body, perSecond: number, seconds: number) {
  const options = { url, method: 'POST', headers, body, connections: 16, duration: seconds } as const
  const { latency } = await autocannon({ ...options, overallRate: Math.max(1, Math.round(perSecond)) })
  return { perSecond, p50Ms: latency.p50, p99Ms: latency.p99 }
}

async function ten(
  server: BenchServer,
  target: { readonly path: string; readonly body: Body },
  load: { readonly perSecond: number; readonly seconds: number; readonly p99Ms: number },
  print: (line: string) => void,
) {
  const idleBytes = await server.memoryBytes()
  const timeoutMs = 2 * load.p99Ms
  const result = await overload(server, target, { perSecond: 10 * load.perSecond, seconds: load.seconds, timeoutMs })
  const { offeredPerSecond, admittedPerSecond, admittedP99Ms, refusedPerSecond, refusedP50Ms, refusedP99Ms } = result
  const p99ByHalfLoad = admittedP99Ms / load.p99Ms
  print(`  ten times     offered ${rate(offeredPerSecond)}, each waits ${ms(timeoutMs)}`)
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
