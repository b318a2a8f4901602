import * as v from 'valibot'
import { object } from '../contracts/object-schemas.ts'
import { type LogNormal, logNormal } from '../utils/log-normal.ts'

/** What an endpoint says of its queue and its speed, as far as it can be used. */
export interface CapacitySaid {
  /** Milliseconds that one more request would wait for a worker. */
  readonly waitMs: number
  /** What a run takes there, by the model's name and version. */
  readonly models: readonly { readonly name: string; readonly version: string; readonly service: LogNormal }[]
}

const msSchema = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(6e5))
/** Each model is read by itself, so that one that makes no sense does not hide the others. */
const saidSchema = object({
  waitMs: v.fallback(msSchema, 0),
  draining: v.fallback(v.boolean(), false),
  models: v.fallback(v.array(v.unknown()), []),
})
const modelSchema = object({
  name: v.string(),
  version: v.fallback(v.string(), ''),
  serviceMs: object({ mean: msSchema, p95: v.fallback(v.optional(msSchema), undefined) }),
})

/** The normal's 95th percentile: from mean and p95 to a spread. */
const z95 = 1.645
const leastVariance = 0.02
const unknownVariance = 0.3
/** An endpoint that takes no new requests is as good as one with a long line. */
const drainingMs = 60_000

/** Reads a capacity report of any release, leniently; undefined for what is none. */
export function readCapacity(json: unknown): CapacitySaid | undefined {
  const parsed = v.safeParse(saidSchema, json)
  if (!parsed.success) return undefined
  const { waitMs, draining, models } = parsed.output
  return {
    waitMs: draining ? Math.max(waitMs, drainingMs) : waitMs,
    models: models.flatMap((entry) => {
      const model = v.safeParse(modelSchema, entry)
      if (!model.success || !(model.output.serviceMs.mean > 0)) return []
      const { name, version, serviceMs } = model.output
      const { mean, p95 } = serviceMs
      const spread = p95 !== undefined && p95 > mean ? (Math.log(p95 / mean) / z95) ** 2 : leastVariance
      const variance = p95 === undefined ? unknownVariance : Math.min(1, Math.max(leastVariance, spread))
      return [{ name, version, service: logNormal(mean, variance) }]
    }),
  }
}
