import * as v from 'valibot'
import { object } from './object-schemas.ts'

/** Where an endpoint tells its operator what devices reported, below its base address. */
export const opsPath = '/hither/v1/ops'

/** What requests are grouped by. */
export const opsGroupings = ['arm', 'model', 'backend', 'browser'] as const
export type OpsGrouping = (typeof opsGroupings)[number]

/** What texts are grouped by. */
export const textGroupings = ['model', 'arm', 'browser'] as const

const count = v.pipe(v.number(), v.finite(), v.minValue(0))
/** Null where there is none. */
const ms = v.nullable(v.pipe(v.number(), v.finite(), v.minValue(0)))

const totalsSchema = object({
  /** Requests that were answered, of those that had to stay on the device only their number. */
  answered: count,
  edge: count,
  cloud: count,
  failed: count,
})

/** Answer of `GET /hither/v1/ops/overview`: a period, and beside it the period of the same length before it. */
export const opsOverviewSchema = object({
  fromMs: count,
  toMs: count,
  stepMs: count,
  /** Models that were reported in the period. */
  models: v.array(v.string()),
  totals: totalsSchema,
  before: totalsSchema,
  /** One value for each step of the period. */
  series: object({
    atMs: v.array(count),
    edge: v.array(count),
    cloud: v.array(count),
    failed: v.array(count),
    edgeP50Ms: v.array(ms),
    edgeP95Ms: v.array(ms),
    cloudP50Ms: v.array(ms),
    cloudP95Ms: v.array(ms),
  }),
  groups: v.array(
    object({
      by: v.picklist(opsGroupings),
      key: v.string(),
      answered: count,
      edge: count,
      failed: count,
      p50Ms: ms,
      p95Ms: ms,
      p99Ms: ms,
    }),
  ),
  /** Texts that were written, the newest 50,000 of the period at most. Absent from an older endpoint. */
  texts: v.optional(
    v.array(
      object({
        by: v.picklist(textGroupings),
        key: v.string(),
        answered: count,
        /** To the first token. */
        firstTokenP50Ms: ms,
        firstTokenP95Ms: ms,
        /** Null where no answer had enough tokens to tell. */
        tokensPerSecond: v.nullable(count),
        /** How often another place went on with an answer. */
        moves: count,
      }),
    ),
  ),
  /** Failures by code, also of runs that the other arm made good. */
  failures: v.array(object({ code: v.string(), arm: v.string(), count, before: count, series: v.array(count) })),
  revisions: v.array(
    object({
      model: v.string(),
      revision: v.string(),
      arm: v.string(),
      answered: count,
      failed: count,
      p95Ms: ms,
      beforeP95Ms: ms,
      slow: v.boolean(),
      failing: v.boolean(),
    }),
  ),
  fleet: object({
    /** Installations that reported in the period. */
    devices: count,
    newDevices: count,
    /** Reports that never came, of those installations, since each began. */
    dropped: object({ expired: count, full: count, lost: count, refused: count }),
  }),
  /** Null where the engine could not be asked. */
  workers: v.nullable(object({ count, busy: count, waiting: count })),
  /** What the plan for the cloud stands on. */
  load: object({
    /** Requests a second that the cloud answered, in the period's busiest hour. */
    peakPerSecond: count,
    /** Time of one run in the cloud; null where none was reported. */
    serviceMeanMs: ms,
    /** Mean of the squares, in ms². */
    serviceSquareMs: ms,
  }),
})
export type OpsOverview = v.InferOutput<typeof opsOverviewSchema>
