import { Client } from 'undici'
import { quantile } from '../support/quantiles.ts'
import { createRandom } from '../support/random.ts'
import type { Body } from './models.ts'
import type { BenchServer } from './server.ts'

export interface Latency {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Overload {
  /** Due by the rate that was asked for. */
  readonly duePerSecond: number
  /** Sent: what is due while every connection waits for an answer is left out, so that no answer's time holds a wait here. */
  readonly offeredPerSecond: number
  readonly admittedPerSecond: number
  readonly admittedP99Ms: number
  readonly refusedPerSecond: number
  readonly refusedP50Ms: number
  readonly refusedP99Ms: number
  readonly otherAnswers: number
  readonly peakMemoryBytes: number
}

interface Load {
  readonly perSecond: number
  readonly seconds: number
  /** Milliseconds that each client says it waits for its answer. */
  readonly timeoutMs?: number
}

/** Clients that wait for an answer at a time: with more, the times would be those of their own queue on two cores. */
const connections = 64

/** Milliseconds of answers to requests that come at random moments, so many a second on average. */
export async function latencyAt(url: string, body: Body, load: Load): Promise<Latency> {
  const { admitted } = await offer(url, body, load)
  return { perSecond: load.perSecond, p50Ms: quantile(admitted, 0.5), p99Ms: quantile(admitted, 0.99) }
}

/** What becomes of requests that are too many. */
export async function overload(server: BenchServer, url: string, body: Body, load: Load): Promise<Overload> {
  let peakMemoryBytes = 0
  const look = async () => {
    peakMemoryBytes = Math.max(peakMemoryBytes, await server.memoryBytes())
  }
  const { due, sent, admitted, refused, others, seconds } = await offer(url, body, load, look)
  await look()
  return {
    duePerSecond: due / seconds,
    offeredPerSecond: sent / seconds,
    admittedPerSecond: admitted.length / seconds,
    admittedP99Ms: quantile(admitted, 0.99),
    refusedPerSecond: refused.length / seconds,
    refusedP50Ms: quantile(refused, 0.5),
    refusedP99Ms: quantile(refused, 0.99),
    otherAnswers: others,
    peakMemoryBytes,
  }
}

/**
 * Sends as many clients would that know nothing of each other: at the moments of a Poisson process, whether or not
 * earlier requests are answered, as long as one of the connections is free. Times are from sending to the end of the
 * answer.
 */
async function offer(
  url: string,
  { body, headers: given }: Body,
  { perSecond, seconds, timeoutMs }: Load,
  look?: () => Promise<void>,
) {
  const { origin, pathname: path } = new URL(url)
  const clients = Array.from({ length: connections }, () => new Client(origin, { pipelining: 1 }))
  const free = [...clients]
  const headers =
    timeoutMs === undefined ? { ...given } : { ...given, 'Hither-Timeout-Ms': String(Math.ceil(timeoutMs)) }
  const random = createRandom(1)
  const gapMs = () => (-1000 / perSecond) * Math.log(1 - random())
  const admitted: number[] = []
  const refused: number[] = []
  const under = new Set<Promise<void>>()
  let others = 0

  const send = async (client: Client) => {
    const startMs = performance.now()
    try {
      const answer = await client.request({ path, method: 'POST', headers, body })
      await answer.body.dump({ limit: 16 * 1024 * 1024 })
      const ms = performance.now() - startMs
      if (answer.statusCode === 200) admitted.push(ms)
      else if (answer.statusCode === 503 || answer.statusCode === 429) refused.push(ms)
      else others += 1
    } catch {
      others += 1
    } finally {
      free.push(client)
    }
  }

  const startMs = performance.now()
  let nextMs = startMs + gapMs()
  let due = 0
  let sent = 0
  let ticks = 0
  while (performance.now() - startMs < seconds * 1000) {
    for (; nextMs <= performance.now(); nextMs += gapMs()) {
      due += 1
      const client = free.shift()
      if (client === undefined) continue
      sent += 1
      const one = send(client).finally(() => under.delete(one))
      under.add(one)
    }
    if (ticks % 200 === 0) await look?.()
    ticks += 1
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const tookSeconds = (performance.now() - startMs) / 1000
  await Promise.all(under)
  await Promise.all(clients.map((client) => client.close()))
  return { due, sent, admitted, refused, others, seconds: tookSeconds }
}
