import * as v from 'valibot'
import { object } from '../../contracts/object-schemas.ts'

const msSchema = v.pipe(v.number(), v.finite(), v.minValue(0))
const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** What one run of a model takes at an endpoint, measured there. */
const modelCapacitySchema = object({
  name: v.string(),
  version: v.string(),
  /** Requests of this model that wait now. */
  waiting: countSchema,
  /** Requests answered since the model was loaded. */
  runs: countSchema,
  /** Milliseconds of compute for one request; absent until one has run. In a batch: the batch's time by its requests. */
  serviceMs: v.optional(object({ mean: msSchema, p95: msSchema })),
  /** Milliseconds until one more request of this model would have its answer, the network left out; absent as above. */
  predictedMs: v.optional(msSchema),
  /** Mean number of requests in a run, where the endpoint puts several into one. */
  batch: v.optional(v.pipe(v.number(), v.finite(), v.minValue(1))),
})

/** What `GET /hither/v1/capacity` answers: what routing needs to know of an endpoint's machines and its queue. */
export const capacitySchema = object({
  format: v.literal(1),
  /** M: how many runs go on at a time. Behind a gateway, the sum over its healthy upstreams that say it. */
  workers: countSchema,
  /** Workers that run something now. */
  busy: countSchema,
  /** Requests that wait for a worker, of all models. */
  waiting: countSchema,
  /** Milliseconds that one more request would wait for a worker. */
  waitMs: msSchema,
  /** True when it takes no new requests. */
  draining: v.boolean(),
  models: v.array(modelCapacitySchema),
})

export type Capacity = v.InferOutput<typeof capacitySchema>
export type ModelCapacity = v.InferOutput<typeof modelCapacitySchema>

/** Path of the capacity below an endpoint's base address. */
export const capacityPath = '/hither/v1/capacity'

/** Path below an endpoint's base address that takes a probe of a link: a body of `text/plain` that is dropped. */
export const probePath = '/hither/v1/probe'
/** Longest probe, in bytes. */
export const maxProbeBytes = 65_536
