import { Client } from 'undici'
import { quantile } from '../support/quantiles.ts'
import type { Body } from './models.ts'
import type { BenchServer } from './server.ts'

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

/** Clients that wait for an answer at a time: with more, the times would be those of their own queue on two cores. */
const connections = 64

/**
 * Sends at a fixed rate as long as one of the connections is free, as many clients would; each waits `timeoutMs` for its
 * answer and says so. Latencies are from sending to the end of the answer.
 */
export async function overload(
  server: BenchServer,
  target: { readonly path: string; readonly body: Body },
  load: { readonly perSecond: number; readonly seconds: number; readonly timeoutMs: number },
): Promise<Overload> {
  const clients = Array.from({ length: connections }, () => new Client(server.url, { pipelining: 1 }))
  const free = [...clients]
  const headers = { ...target.body.headers, 'Hither-Timeout-Ms': String(Math.ceil(load.timeoutMs)) }
  const admitted: number[] = []
  const refused: number[] = []
  let other = 0
  let peakMemoryBytes = 0
  const under = new Set<Promise<void>>()

  const send = async (client: Client) => {
    const startMs = performance.now()
    try {
      const options = { path: target.path, method: 'POST', headers, body: target.body.body } as const
      const { statusCode, body } = await client.request(options)
      await body.dump({ limit: 16 * 1024 * 1024 })
      const ms = performance.now() - startMs
      if (statusCode === 200) admitted.push(ms)
      else if (statusCode === 503 || statusCode === 429) refused.push(ms)
      else other += 1
    } catch {
      other += 1
    } finally {
      free.push(client)
    }
  }

  const startMs = performance.now()
  let due = 0
  let sent = 0
  let ticks = 0
  while (performance.now() - startMs < load.seconds * 1000) {
    const dueNow = Math.floor(((performance.now() - startMs) * load.perSecond) / 1000)
    for (; due < dueNow; due += 1) {
      const client = free.shift()
      if (client === undefined) continue
      sent += 1
      const one = send(client).finally(() => under.delete(one))
      under.add(one)
    }
    if (ticks % 200 === 0) peakMemoryBytes = Math.max(peakMemoryBytes, await server.memoryBytes())
    ticks += 1
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const offeredSeconds = (performance.now() - startMs) / 1000
  await Promise.all(under)
  peakMemoryBytes = Math.max(peakMemoryBytes, await server.memoryBytes())
  await Promise.all(clients.map((client) => client.close()))
  return {
    duePerSecond: due / offeredSeconds,
    offeredPerSecond: sent / offeredSeconds,
    admittedPerSecond: admitted.length / offeredSeconds,
    admittedP99Ms: quantile(admitted, 0.99),
    refusedPerSecond: refused.length / offeredSeconds,
    refusedP50Ms: quantile(refused, 0.5),
    refusedP99Ms: quantile(refused, 0.99),
    otherAnswers: other,
    peakMemoryBytes,
  }
}
