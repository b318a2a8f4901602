import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { InferEngine } from '../engine/infer-engine.ts'
import type { InferenceAnswer } from '../engine/run-inference.ts'
import type { Metrics, MovedStream, WrittenFacts } from './metrics.ts'
import type { Statistics } from './statistics.ts'
import { formatTraceparent, parseTraceparent } from './trace-context.ts'
import type { RequestSpan, Tracing } from './tracing.ts'

/** Status of requests that have no answer, because their clients left: while they sent, or while they waited. */
const hungUp = 499

interface Seen {
  readonly arrivedAtMs: number
  /** What an upstream is told to go on with. */
  readonly traceparent?: string
  readonly span?: RequestSpan
  named?: string
  answer?: Pick<InferenceAnswer, 'model' | 'times'>
  endedAtMs?: number
  receivedBytes?: number
  /** It has been counted. */
  ended?: boolean
}

/** Watches the requests of the routes that it is added to: metrics, statistics, traces. */
export interface Observe {
  /** Call first in a scope: its hook must come before the others'. */
  addTo(app: FastifyInstance): void
  of(request: FastifyRequest): Seen
  /** Tells which model answered a request, and where its time went. */
  ran(request: FastifyRequest, answer: Pick<InferenceAnswer, 'model' | 'times'>): void
  /** Tells that a piece of a request's body has arrived, in bytes as it travelled. */
  received(request: FastifyRequest, bytes: number): void
  /** Tells what became of a text whose upstream failed while it was written. */
  moved(stream: MovedStream): void
  /** Tells what became of a text that a model wrote for a request. */
  wrote(facts: WrittenFacts): void
  /** Tells which model a request is about whose address does not say it. It must be one that there is. */
  named(request: FastifyRequest, model: string): void
}

export function createObserve(parts: {
  readonly engine: InferEngine
  readonly metrics: Metrics
  readonly statistics: Statistics
  readonly tracing: Tracing | undefined
}): Observe {
  const { engine, metrics, statistics, tracing } = parts
  const requests = new WeakMap<FastifyRequest, Seen>()

  const begin = (request: FastifyRequest): Seen => {
    const arrivedAtMs = performance.now()
    const { traceparent } = request.headers
    const parent = parseTraceparent(traceparent)
    if (tracing === undefined) {
      return { arrivedAtMs, ...(parent === undefined ? {} : { traceparent: formatTraceparent(parent) }) }
    }
    const span = tracing.begin(`${request.method} ${request.routeOptions.url ?? 'nothing'}`, parent)
    return { arrivedAtMs, span, traceparent: formatTraceparent(span.context) }
  }

  const of = (request: FastifyRequest): Seen => {
    const seen = requests.get(request) ?? begin(request)
    requests.set(request, seen)
    return seen
  }

  /** The model that a request without an answer was for, so long as it is one: its name becomes a label. */
  const modelOf = async (request: FastifyRequest) => {
    const { model, version } = (request.params ?? {}) as { readonly model?: string; readonly version?: string }
    return model === undefined ? undefined : engine.find(model, version).catch(() => undefined)
  }

  const end = async (request: FastifyRequest, reply: FastifyReply, status = reply.statusCode) => {
    if (of(request).ended === true) return
    of(request).ended = true
    const { arrivedAtMs, span, named, answer, endedAtMs = performance.now(), receivedBytes = 0 } = of(request)
    const totalMs = performance.now() - arrivedAtMs
    const model = answer?.model ?? (await modelOf(request))
    const label = model?.name ?? named ?? ''
    const sizes = {
      // Not what the request says: it may never have come.
      requestBytes: receivedBytes,
      responseBytes: Number(reply.getHeader('content-length') ?? 0),
    }
    metrics.answered({ model: label, status, totalMs, times: answer?.times, ...sizes })
    if (model !== undefined && request.method === 'POST') {
      if (answer !== undefined && status < 400) statistics.succeeded(model.name, model.version, answer.times)
      else if (status >= 400) statistics.failed(model.name, model.version, totalMs)
    }
    if (span === undefined) return
    if (answer !== undefined) addParts(span, answer, endedAtMs)
    const facts = { 'http.response.status_code': status, 'hither.model': label }
    span.end({ ...facts, 'http.request.body.size': receivedBytes }, status >= 500)
  }

  return {
    of,
    addTo(app) {
      app.addHook('onRequest', async (request, reply) => {
        of(request)
        reply.raw.once('close', () => {
          const { writableEnded, writableFinished } = reply.raw
          if (!writableFinished && (!writableEnded || request.raw.socket.destroyed)) void end(request, reply, hungUp)
        })
      })
      app.addHook('onResponse', (request, reply) => end(request, reply))
    },
    ran(request, { model, times }) {
      Object.assign(of(request), { answer: { model, times }, endedAtMs: performance.now() })
    },
    received(request, bytes) {
      const seen = of(request)
      seen.receivedBytes = (seen.receivedBytes ?? 0) + bytes
    },
    moved: metrics.moved,
    wrote: metrics.wrote,
    named(request, model) {
      Object.assign(of(request), { named: model })
    },
  }
}

/** Parts end to end before the answer's end; what they leave is the body's arrival. */
function addParts(span: RequestSpan, { times }: Pick<InferenceAnswer, 'times'>, endMs: number): void {
  const parts = [
    ['encode', times.encodeMs],
    ['compute', times.computeMs],
    ['load', times.loadMs],
    ['queue', times.queueMs],
    ['decode', times.decodeMs],
  ] as const
  let at = endMs
  for (const [name, ms] of parts) {
    if (ms > 0) span.part(name, at - ms, at)
    at -= ms
  }
}
