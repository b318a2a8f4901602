import * as v from 'valibot'
import { type Capacity, capacityPath, capacitySchema, type ModelCapacity } from '../../protocol/capacity.ts'
import type { Upstream } from './upstream.ts'

/** Times kept of each model, for its mean and 95th percentile. */
const maxTimes = 200
/** Milliseconds that an upstream has to tell its capacity, and that its word holds. */
const askMs = 1_000
const heldMs = 1_000

/** What an upstream says of itself; undefined for a stock engine, which has no such address. */
type Told = Omit<Capacity, 'draining' | 'format'> | undefined

/** Counts what the gateway's own requests show of each model. */
export function createServiceTimes(): {
  readonly observe: (model: string, version: string, computeMs: number) => void
  readonly models: () => readonly ModelCapacity[]
} {
  const models = new Map<
    string,
    { readonly name: string; readonly version: string; runs: number; readonly times: number[] }
  >()
  return {
    observe(name, version, computeMs) {
      const key = `${name}\n${version}`
      const model = models.get(key) ?? { name, version, runs: 0, times: [] }
      models.set(key, model)
      model.runs += 1
      model.times.push(computeMs)
      if (model.times.length > maxTimes) model.times.shift()
    },
    models: () =>
      [...models.values()].map(({ name, version, runs, times }) => {
        const sorted = [...times].sort((a, b) => a - b)
        const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length
        const p95 = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))] ?? mean
        return { name, version, waiting: 0, runs, serviceMs: { mean, p95 } }
      }),
  }
}

/**
 * The capacity of all healthy upstreams together. A Hither endpoint tells its own; of a stock engine the gateway knows
 * how many requests it has there, and takes its number of workers from the operator.
 */
export function createGatewayCapacity(options: {
  readonly usable: () => readonly Upstream[]
  /** Runs that a stock engine does at a time. */
  readonly workersEach: number
  readonly times: ReturnType<typeof createServiceTimes>
  readonly now: () => number
}): () => Promise<Omit<Capacity, 'draining' | 'format'>> {
  const { usable, workersEach, times, now } = options
  const held = new Map<string, { readonly told: Told; readonly untilMs: number }>()

  const ask = async ({ url, send }: Upstream): Promise<Told> => {
    const known = held.get(url)
    if (known !== undefined && now() < known.untilMs) return known.told
    const told = await send({ path: capacityPath, limitBytes: 1024 * 1024, signal: AbortSignal.timeout(askMs) })
      .then(({ body }) => v.parse(capacitySchema, JSON.parse(new TextDecoder().decode(body))))
      .catch(() => undefined)
    held.set(url, { told, untilMs: now() + heldMs })
    return told
  }

  return async () => {
    const upstreams = usable()
    const own = times.models()
    const meanMs = mean(own.flatMap(({ serviceMs }) => (serviceMs === undefined ? [] : [serviceMs.mean])))
    const parts = await Promise.all(
      upstreams.map(async (upstream) => {
        const told = await ask(upstream)
        if (told !== undefined) return told
        const { inFlight } = upstream.state
        const waiting = Math.max(0, inFlight - workersEach)
        return {
          workers: workersEach,
          busy: Math.min(inFlight, workersEach),
          waiting,
          waitMs: waitOf(waiting, workersEach, meanMs),
        }
      }),
    )
    const sum = (key: 'workers' | 'busy' | 'waiting') => parts.reduce((total, part) => total + part[key], 0)
    // The next request goes where least waits.
    const waitMs = parts.length === 0 ? 0 : Math.min(...parts.map((part) => part.waitMs))
    const models = own.map((model) => ({ ...model, predictedMs: waitMs + (model.serviceMs?.mean ?? 0) }))
    return { workers: sum('workers'), busy: sum('busy'), waiting: sum('waiting'), waitMs, models }
  }
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/** Of requests that wait before `workers` servers, each leaves after a mean time of service divided by their number. */
const waitOf = (waiting: number, workers: number, meanMs: number): number => (waiting / workers) * meanMs
