import { Pool } from 'undici'
import { quantile } from '../support/quantiles.ts'
import type { Body } from './models.ts'
import type { BenchServer } from './server.ts'

export interface Overload {
  readonly offeredPerSecond: number
  readonly admittedPerSecond: number
  readonly admittedP99Ms: number
  readonly refusedPerSecond: number
  readonly refusedP50Ms: number
  readonly refusedP99Ms: number
  readonly otherAnswers: number
  readonly peakMemoryBytes: number
}

/**
 * Sends at a fixed rate, whether answers come or not, as many clients would; each waits `timeoutMs` for its answer and
 * says so. Latencies are from sending to the end of the answer.
 */
export async function overload(
  server: BenchServer,
  target: { readonly path: string; readonly body: Body },
  load: { readonly perSecond: number; readonly seconds: number; readonly timeoutMs: number },
): Promise<Overload> {
  const pool = new Pool(server.url, { connections: 256, pipelining: 1 })
  const headers = { ...target.body.headers, 'Hither-Timeout-Ms': String(Math.ceil(load.timeoutMs)) }
  const admitted: number[] = []
  const refused: number[] = []
  let other = 0
  let peakMemoryBytes = 0
  const under = new Set<Promise<void>>()

  const send = async () => {
    const startMs = performance.now()
    try {
      const options = { path: target.path, method: 'POST', headers, body: target.body.body } as const
      const { statusCode, body } = await pool.request(options)
      await body.dump({ limit: 16 * 1024 * 1024 })
      const ms = performance.now() - startMs
      if (statusCode === 200) admitted.push(ms)
      else if (statusCode === 503 || statusCode === 429) refused.push(ms)
      else other += 1
    } catch {
      other += 1
    }
  }

  const startMs = performance.now()
  let sent = 0
  let ticks = 0
  while (performance.now() - startMs < load.seconds * 1000) {
    const due = Math.floor(((performance.now() - startMs) * load.perSecond) / 1000)
    for (; sent < due; sent += 1) {
      const one = send().finally(() => under.delete(one))
      under.add(one)
    }
    if (ticks % 50 === 0) peakMemoryBytes = Math.max(peakMemoryBytes, await server.memoryBytes())
    ticks += 1
    await new Promise((resolve) => setTimeout(resolve, 4))
  }
  const offeredSeconds = (performance.now() - startMs) / 1000
  await Promise.all(under)
  peakMemoryBytes = Math.max(peakMemoryBytes, await server.memoryBytes())
  await pool.close()
  return {
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
