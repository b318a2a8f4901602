import * as v from 'valibot'
import { type Capacity, capacityPath, capacitySchema, type ModelCapacity } from '../../protocol/server/capacity.ts'
import { holdValues } from '../../utils/held-value.ts'
import { createServiceTimes, type ServiceTimes } from '../engine/service-times.ts'
import type { Upstream } from './upstreams/upstream.ts'

/** Milliseconds that an upstream has to tell its capacity, and that its answer is held. */
const askMs = 1_000
const holdMs = 1_000

/** An upstream's own capacity; undefined for a stock engine, which has no such address. */
type UpstreamCapacity = Omit<Capacity, 'draining' | 'format'> | undefined

/** How long the gateway's own requests took, by model and version. */
export interface ModelTimes {
  observe(model: string, version: string, computeMs: number): void
  models(): readonly ModelCapacity[]
}

export function createModelTimes(): ModelTimes {
  const models = new Map<string, { readonly name: string; readonly version: string; readonly times: ServiceTimes }>()
  return {
    observe(name, version, computeMs) {
      const key = `${name}\n${version}`
      const model = models.get(key) ?? { name, version, times: createServiceTimes() }
      models.set(key, model)
      model.times.add(computeMs)
    },
    models: () =>
      [...models.values()].map(({ name, version, times: { count, meanMs: mean = 0, p95Ms: p95 = 0 } }) => {
        return { name, version, waiting: 0, runs: count, serviceMs: { mean, p95 } }
      }),
  }
}

/**
 * The capacity of all healthy upstreams together. A Hither endpoint tells its own. For a stock engine the gateway counts
 * its own requests under way, and takes the number of workers from the operator.
 */
export function createGatewayCapacity(options: {
  readonly usable: () => readonly Upstream[]
  /** Runs that a stock engine does at a time. */
  readonly workersEach: number
  readonly times: ModelTimes
  readonly now: () => number
}): () => Promise<Omit<Capacity, 'draining' | 'format'>> {
  const { usable, workersEach, times, now } = options
  const capacities = holdValues({
    load: ({ send }: Upstream): Promise<UpstreamCapacity> =>
      send({ path: capacityPath, limitBytes: 1024 * 1024, signal: AbortSignal.timeout(askMs) })
        .then(({ body }) => v.parse(capacitySchema, JSON.parse(new TextDecoder().decode(body))))
        .catch(() => undefined),
    holdMs,
    now,
  })

  return async () => {
    const upstreams = usable()
    const seen = times.models()
    const meanMs = mean(seen.flatMap(({ serviceMs }) => (serviceMs === undefined ? [] : [serviceMs.mean])))
    const parts = await Promise.all(
      upstreams.map(async (upstream) => {
        const own = await capacities.get(upstream)
        if (own !== undefined) return own
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
    const models = seen.map((model) => ({ ...model, predictedMs: waitMs + (model.serviceMs?.mean ?? 0) }))
    return { workers: sum('workers'), busy: sum('busy'), waiting: sum('waiting'), waitMs, models }
  }
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length

/** Of requests that wait before `workers` servers, each leaves after a mean time of service divided by their number. */
const waitOf = (waiting: number, workers: number, meanMs: number): number => (waiting / workers) * meanMs
