import type { Backend } from '../../contracts/model-state.ts'
import type { LinkEstimate } from '../../network/link.ts'
import type { Forecast } from '../../utils/forecast.ts'
import type { LogNormal } from '../../utils/log-normal.ts'
import { remainingTime } from '../../utils/remaining-time.ts'
import { cloudServiceTime, edgeServiceTime } from './cost-models.ts'
import { createEstimators } from './estimators.ts'
import { createQueueWaitEstimator } from './queue-wait-estimator.ts'

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
    readonly preparation?:
      | {
          readonly remainingBytes: number
          readonly downlink: LogNormal
          readonly other?: LogNormal | undefined
          /** What a load is taken to be where none of this model was measured. Default: a second and a half, or so. */
          readonly load?: LogNormal | undefined
          /** Milliseconds since it began to be loaded. Default 0. */
          readonly loadingForMs?: number | undefined
        }
      | undefined
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
  /** True once a run of the model at the endpoint has been. */
  knowsCloud(model: string): boolean
  /** The estimates as plain JSON, to be stored. */
  snapshot(): unknown
  /** Continues from a stored snapshot, less certain for its age. Invalid entries are ignored. */
  restore(snapshot: unknown): void
}

const assumedResponseBytes = 2_000
/** A censored sample counts as this many times its elapsed time, with this weight. */
const beyondCensored = 1.3
const censoredWeight = 0.5

/** @param options.now milliseconds since the epoch; default `Date.now` */
export function createRouteLearner(options: { readonly now?: () => number } = {}): RouteLearner {
  const { now = Date.now } = options
  const responseBytes = new Map<string, number>()
  const estimators = createEstimators((kind, key) => {
    if (kind === 'cloud') responseBytes.delete(key)
  })
  const queueWait = createQueueWaitEstimator()
  const edgeKey = (model: string, backend: Backend) => `${backend} ${model}`

  return {
    observeEdge(model, backend, computeMs) {
      estimators.of('edge', edgeKey(model, backend)).observe(computeMs, now())
    },
    observeEdgeAtLeast(model, backend, elapsedMs) {
      const estimator = estimators.of('edge', edgeKey(model, backend))
      const nowMs = now()
      // Shorter than predicted: no evidence.
      if (!(elapsedMs > Math.exp(estimator.estimate(nowMs).mu))) return
      estimator.observe(elapsedMs * beyondCensored, nowMs, censoredWeight)
    },
    observeLoad(model, backend, loadMs) {
      estimators.of('load', edgeKey(model, backend)).observe(loadMs, now())
    },
    observeCloud(model, { serverMs, queueMs, responseBytes: bytes }) {
      const nowMs = now()
      const queueKnown = queueMs !== undefined && queueMs >= 0 && queueMs <= serverMs
      if (queueKnown) queueWait.observe(queueMs, nowMs)
      // A reported time of 0 means fast: keep it positive for the logarithm.
      if (serverMs >= 0)
        estimators.of('cloud', model).observe(Math.max(0.05, serverMs - (queueKnown ? queueMs : 0)), nowMs)
      // Kept only for work whose time is kept, so that both are forgotten together.
      if (bytes > 0 && Number.isFinite(bytes) && estimators.has('cloud', model)) {
        const before = responseBytes.get(model) ?? bytes
        responseBytes.set(model, before + 0.25 * (bytes - before))
      }
    },
    assumeEdge(model, backend, { mu, variance }) {
      estimators.of('edge', edgeKey(model, backend)).setPrior(Math.exp(mu), variance)
    },
    assumeCloud({ waitMs, models }) {
      const nowMs = now()
      queueWait.observe(waitMs, nowMs)
      for (const [model, { mu, variance }] of models) estimators.of('cloud', model).setPrior(Math.exp(mu), variance)
    },
    edgeTime({ model, backend, waitMs = 0, preparation, prior }) {
      const nowMs = now()
      const key = edgeKey(model, backend)
      const load = preparation && estimators.lookAt('load', key, preparation.load).estimate(nowMs)
      return edgeServiceTime({
        waitMs,
        service: estimators.lookAt('edge', key, prior).estimate(nowMs),
        preparation: preparation &&
          load && { ...preparation, load: remainingTime(load, preparation.loadingForMs ?? 0) },
      })
    },
    edgeUsual(model, backend, prior) {
      const { usual, observedAtMs } = estimators.lookAt('edge', edgeKey(model, backend), prior)
      return { usualMs: usual, ageMs: observedAtMs === undefined ? Number.POSITIVE_INFINITY : now() - observedAtMs }
    },
    cloudTime({ model, requestBytes, responseBytes: bytes, link }) {
      const nowMs = now()
      return cloudServiceTime({
        requestBytes,
        responseBytes: bytes ?? responseBytes.get(model) ?? assumedResponseBytes,
        link,
        waitMs: queueWait.estimateMs(nowMs),
        service: estimators.lookAt('cloud', model).estimate(nowMs),
      })
    },
    knowsEdge: (model, backend) => estimators.samples('edge', edgeKey(model, backend)) > 0,
    knowsCloud: (model) => estimators.samples('cloud', model) > 0,
    snapshot: estimators.snapshot,
    restore: (snapshot) => estimators.restore(snapshot, now()),
  }
}
