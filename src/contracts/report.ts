import * as v from 'valibot'
import { backends } from './model-state.ts'
import { object } from './object-schemas.ts'

/**
 * What a device tells its endpoint of the requests it answered: when, where, how long, and what failed. Never an
 * input; an answer only where the site asked for answers.
 */

/** Where an endpoint takes reports, below its base address. */
export const reportsPath = '/hither/v1/reports'

/** Longest answer that is reported, in characters of JSON; a longer one is left out. */
export const maxAnswerChars = 4_000
/** Most reports that one batch may hold. */
export const maxBatchReports = 500

/** PostgreSQL keeps no NUL. */
const text = (maxLength: number) =>
  v.pipe(
    v.string(),
    v.maxLength(maxLength),
    v.check((value) => !value.includes('\0'), 'a text can not hold a NUL'),
  )
const ms = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(1e9))
const epochMs = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(1e14))
/** Whole numbers within what can be true, so that sums of many stay exact. */
const upTo = (most: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(most))
/** What one installation can count: 50 requests a second for a month. */
const count = upTo(1.5e8)
const bytes = upTo(1e12)

const attemptSchema = object({
  arm: v.picklist(['edge', 'cloud']),
  ms,
  error: v.optional(text(60)),
})

const base = {
  /** Made once, on the device: however often a report is sent, the endpoint counts it once. */
  id: v.pipe(v.string(), v.uuid()),
  /** When the request started, by the device's clock, in milliseconds since the epoch. */
  atMs: epochMs,
}
const about = {
  model: text(200),
  revision: v.optional(text(100)),
  backend: v.optional(v.picklist(backends)),
  /** The graphics adapter's name, where WebGPU ran. */
  adapter: v.optional(text(200)),
  attempts: v.optional(v.pipe(v.array(attemptSchema), v.maxLength(8))),
}

const routeReportSchema = object({
  ...base,
  kind: v.literal('route'),
  ...about,
  ran: v.picklist(['edge', 'cloud']),
  reason: text(60),
  actualMs: ms,
  predictedEdgeMs: v.optional(ms),
  predictedCloudMs: v.optional(ms),
  /** Bytes of the request and its answer that went over the wire, or would have. */
  payloadBytes: v.optional(bytes),
  queueMs: v.optional(ms),
  computeMs: v.optional(ms),
  /** Of a text, whose `actualMs` is the time to its first token. */
  writing: v.optional(
    object({
      tokens: upTo(1e9),
      /** For each token after the first, on average; absent where it moved, or had none. */
      tokenMs: v.optional(ms),
      /** How often another place went on with it. */
      moves: upTo(1e6),
      wastedTokens: v.optional(upTo(1e9)),
    }),
  ),
  /** JSON of the answer, with `report: 'results'` only. */
  answer: v.optional(text(maxAnswerChars)),
})

const failureReportSchema = object({
  ...base,
  kind: v.literal('failure'),
  ...about,
  /** The arm that failed last; absent when no arm was tried. */
  arm: v.optional(v.picklist(['edge', 'cloud'])),
  code: text(60),
  actualMs: v.optional(ms),
})

/** How many requests had to stay on the device. Nothing else is told of them, not even their model. */
const countsReportSchema = object({
  ...base,
  kind: v.literal('counts'),
  answered: count,
  failed: count,
})

export const reportSchema = v.variant('kind', [routeReportSchema, failureReportSchema, countsReportSchema])
export type Report = v.InferOutput<typeof reportSchema>
export type RouteReport = v.InferOutput<typeof routeReportSchema>
export type FailureReport = v.InferOutput<typeof failureReportSchema>

/** Reports that never reached the endpoint, counted since the outbox began. */
export const droppedSchema = object({
  /** Waited longer than the outbox keeps them. */
  expired: count,
  /** Gave their place to newer ones. */
  full: count,
  /** Cleared by the browser or the person while they waited. */
  lost: count,
  /** Refused by the endpoint, and kept as dead letters. */
  refused: count,
})
export type DroppedReports = v.InferOutput<typeof droppedSchema>

/** Body of `POST /hither/v1/reports`. Its reports are checked one by one, so that a bad one does not hold up the rest. */
export const batchSchema = object({
  version: v.literal(1),
  /** A random name of this installation; a new one is drawn when the outbox is cleared. */
  device: v.pipe(v.string(), v.uuid()),
  /** The device's clock when it sent this: what is wrong with that clock is wrong with every `atMs` by as much. */
  sentAtMs: epochMs,
  // What is wrong with these does not hold up the reports: they are left out.
  browser: v.fallback(v.optional(object({ family: text(40), version: text(40) })), undefined),
  dropped: v.fallback(v.optional(droppedSchema), undefined),
  reports: v.pipe(v.array(v.unknown()), v.maxLength(maxBatchReports)),
})
export type Batch = Omit<v.InferOutput<typeof batchSchema>, 'reports'> & { readonly reports: readonly Report[] }

/** The endpoint's answer to a batch: what became of each report. One that is not named was not taken. */
export const acknowledgementSchema = object({
  accepted: v.array(v.string()),
  /** Counted before. */
  duplicates: v.array(v.string()),
  rejected: v.array(object({ id: v.string(), reason: v.string() })),
})
export type Acknowledgement = v.InferOutput<typeof acknowledgementSchema>
