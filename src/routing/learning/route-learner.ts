import * as v from 'valibot'
import type { Backend } from '../../contracts/model-state.ts'
import type { LinkEstimate } from '../../network/link.ts'
import type { Forecast } from '../../utils/forecast.ts'
import type { LogFilter } from '../../utils/log-filter.ts'
import type { LogNormal } from '../../utils/log-normal.ts'
import { cloudServiceTime, edgeServiceTime } from './cost-models.ts'
import { createQueueWaitEstimator } from './queue-wait-estimator.ts'
import { createServiceTimeEstimator } from './service-time-estimator.ts'

/** Measurements of the endpoint from one answered request. */
export interface CloudObservation {
  /** The endpoint's whole share of the time: measured by it, or what the estimated network left of the total. */
  readonly serverMs: number
  /** The part of `serverMs` that the request waited for a worker, where the endpoint reports it. */
  readonly queueMs?: number | undefined
  readonly responseBytes: number
}

/**
 * Learned run times of models, on this device and at one endpoint. `model` names work that takes about as long each
 * time: a model and its revision, and a shape where shapes differ.
 */
export interface RouteLearner {
  /** A run at the edge took this long, without its wait for the worker. */
  observeEdge(model: string, backend: Backend, computeMs: number): void
  /** A run at the edge was overtaken after this long (a censored sample): it would have taken longer. */
  observeEdgeAtLeast(model: string, backend: Backend, elapsedMs: number): void
  /** Reading, compiling and warming up took this long. */
  observeLoad(model: string, backend: Backend, loadMs: number): void
  observeCloud(model: string, observation: CloudObservation): void
  /** Sets the assumed time of a run on this device until one is measured: from a warm-up, or `predictRunMs`. */
  assumeEdge(model: string, backend: Backend, time: LogNormal): void
  /** Takes over the endpoint's own figures: a run's time until one is measured, and the current wait for a worker. */
  assumeCloud(said: { readonly waitMs: number; readonly models: ReadonlyMap<string, LogNormal> }): void
  /** Completion time of a request on this device. Give `preparation` while the model is not ready. */
  edgeTime(request: {
    readonly model: string
    readonly backend: Backend
    readonly waitMs?: number
    readonly preparation?: { readonly remainingBytes: number; readonly downlink: LogNormal } | undefined
    /** Taken where no run was measured, and not kept. Default: what was assumed last. */
    readonly prior?: LogNormal | undefined
  }): LogNormal
  /** Long-term median of runs on this device, and the age of the last measurement, in milliseconds. */
  edgeUsual(model: string, backend: Backend, prior?: LogNormal): { readonly usualMs: number; readonly ageMs: number }
  /** Completion time of a request at the endpoint. */
  cloudTime(request: {
    readonly model: string
    readonly requestBytes: number
    /** Default: the mean size of the model's answers so far. */
    readonly responseBytes?: number
    readonly link: LinkEstimate
  }): Forecast
  /** True once a run of the model on this backend has been measured. */
  knowsEdge(model: string, backend: Backend): boolean
  /** The estimates as plain JSON, to be stored. */
  snapshot(): unknown
  /** Continues from a stored snapshot, less certain for its age. Invalid entries are ignored. */
  restore(snapshot: unknown): void
}

/** Priors: a small model on an average processor, the load of a runtime, a server nearby. */
const assumed = {
  edge: { medianMs: 60, variance: 1.5 },
  load: { medianMs: 1500, variance: 1 },
  cloud: { medianMs: 30, variance: 1 },
} as const

type Kind = keyof typeof assumed

const assumedResponseBytes = 2_000
/** A censored sample counts as this many times its elapsed time, with this weight. */
const beyondCensored = 1.3
const censoredWeight = 0.5
/** Estimators kept of each kind; the least recently used is dropped first. */
const mostRemembered = 64
/** The device may be busier or cooler than when the snapshot was taken. */
const extraVarianceAfterRestore = 0.05

const entriesSchema = v.pipe(
  v.array(v.tuple([v.pipe(v.string(), v.maxLength(300)), v.unknown()])),
  v.maxLength(mostRemembered),
)
const snapshotSchema = v.object({
  version: v.literal(1),
  edge: entriesSchema,
  load: entriesSchema,
  cloud: entriesSchema,
})

/** @param options.now milliseconds since the epoch; default `Date.now` */
export function createRouteLearner(options: { readonly now?: () => number } = {}): RouteLearner {
  const { now = Date.now } = options
  const known: Record<Kind, Map<string, LogFilter>> = { edge: new Map(), load: new Map(), cloud: new Map() }
  /** What is said of work that nothing is known of. They never learn. */
  const unknown: Record<Kind, LogFilter> = {
    edge: createServiceTimeEstimator(assumed.edge),
    load: createServiceTimeEstimator(assumed.load),
    cloud: createServiceTimeEstimator(assumed.cloud),
  }
  const responseBytes = new Map<string, number>()
  const queueWait = createQueueWaitEstimator()

  /** The last estimator used of each kind: already at the end of its map. */
  let newest: Partial<Record<Kind, { readonly key: string; readonly estimator: LogFilter }>> = {}
  /** The estimator of this work: created on first use, moved to the end of the map on each use. */
  const estimatorOf = (kind: Kind, key: string): LogFilter => {
    const map = known[kind]
    const last = newest[kind]
    if (last?.key === key) return last.estimator
    const estimator = map.get(key) ?? createServiceTimeEstimator(assumed[kind])
    newest[kind] = { key, estimator }
    map.delete(key)
    map.set(key, estimator)
    for (const oldest of map.keys()) {
      if (map.size <= mostRemembered) break
      map.delete(oldest)
      if (kind === 'cloud') responseBytes.delete(oldest)
    }
    return estimator
  }
  /** The same for a look, which makes and forgets none that is kept. */
  const lookAt = (kind: Kind, key: string, prior?: LogNormal): LogFilter => {
    const found = known[kind].get(key)
    if (found !== undefined && (found.samples > 0 || prior === undefined)) return estimatorOf(kind, key)
    if (prior === undefined) return unknown[kind]
    return createServiceTimeEstimator({ medianMs: Math.exp(prior.mu), variance: prior.variance })
  }
  const edgeKey = (model: string, backend: Backend) => `${backend} ${model}`

  return {
    observeEdge(model, backend, computeMs) {
      estimatorOf('edge', edgeKey(model, backend)).observe(computeMs, now())
    },
    observeEdgeAtLeast(model, backend, elapsedMs) {
      const estimator = estimatorOf('edge', edgeKey(model, backend))
      const nowMs = now()
      // Shorter than predicted: no evidence.
      if (!(elapsedMs > Math.exp(estimator.estimate(nowMs).mu))) return
      estimator.observe(elapsedMs * beyondCensored, nowMs, censoredWeight)
    },
    observeLoad(model, backend, loadMs) {
      estimatorOf('load', edgeKey(model, backend)).observe(loadMs, now())
    },
    observeCloud(model, { serverMs, queueMs, responseBytes: bytes }) {
      const nowMs = now()
      const queueKnown = queueMs !== undefined && queueMs >= 0 && queueMs <= serverMs
      if (queueKnown) queueWait.observe(queueMs, nowMs)
      // A reported time of 0 means fast: keep it positive for the logarithm.
      if (serverMs >= 0)
        estimatorOf('cloud', model).observe(Math.max(0.05, serverMs - (queueKnown ? queueMs : 0)), nowMs)
      // Kept only for work whose time is kept, so that both are forgotten together.
      if (bytes > 0 && Number.isFinite(bytes) && known.cloud.has(model)) {
        const before = responseBytes.get(model) ?? bytes
        responseBytes.set(model, before + 0.25 * (bytes - before))
      }
    },
    assumeEdge(model, backend, { mu, variance }) {
      estimatorOf('edge', edgeKey(model, backend)).setPrior(Math.exp(mu), variance)
    },
    assumeCloud({ waitMs, models }) {
      const nowMs = now()
      queueWait.observe(waitMs, nowMs)
      for (const [model, { mu, variance }] of models) estimatorOf('cloud', model).setPrior(Math.exp(mu), variance)
    },
    edgeTime({ model, backend, waitMs = 0, preparation, prior }) {
      const nowMs = now()
      const key = edgeKey(model, backend)
      const load = preparation && lookAt('load', key).estimate(nowMs)
      return edgeServiceTime({
        waitMs,
        service: lookAt('edge', key, prior).estimate(nowMs),
        preparation: preparation && load && { ...preparation, load },
      })
    },
    edgeUsual(model, backend, prior) {
      const { usual, observedAtMs } = lookAt('edge', edgeKey(model, backend), prior)
      return { usualMs: usual, ageMs: observedAtMs === undefined ? Number.POSITIVE_INFINITY : now() - observedAtMs }
    },
    cloudTime({ model, requestBytes, responseBytes: bytes, link }) {
      const nowMs = now()
      return cloudServiceTime({
        requestBytes,
        responseBytes: bytes ?? responseBytes.get(model) ?? assumedResponseBytes,
        link,
        waitMs: queueWait.estimateMs(nowMs),
        service: lookAt('cloud', model).estimate(nowMs),
      })
    },
    knowsEdge: (model, backend) => (known.edge.get(edgeKey(model, backend))?.samples ?? 0) > 0,
    snapshot() {
      const entriesOf = (kind: Kind) =>
        [...known[kind]].flatMap(([key, estimator]) => {
          const snapshot = estimator.snapshot()
          return snapshot === undefined ? [] : [[key, snapshot] as const]
        })
      return { version: 1, edge: entriesOf('edge'), load: entriesOf('load'), cloud: entriesOf('cloud') }
    },
    restore(snapshot) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success) return
      const nowMs = now()
      newest = {}
      for (const kind of ['edge', 'load', 'cloud'] as const) {
        for (const [key, entry] of parsed.output[kind]) {
          const estimator = createServiceTimeEstimator(assumed[kind])
          if (estimator.restore(entry, nowMs, extraVarianceAfterRestore)) known[kind].set(key, estimator)
        }
      }
    },
  }
}
