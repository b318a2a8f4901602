import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { InferEngine } from '../engine/infer-engine.ts'
import type { InferenceTimes } from '../engine/run-inference.ts'

/** What became of a text whose upstream failed while it was written. */
export interface MovedStream {
  /** One that an upstream has. */
  readonly model: string
  readonly reason: 'socket' | 'stalled' | 'nonsense' | 'error' | 'status'
  readonly outcome: 'continued' | 'cut-off'
}

/** What became of a text that a model wrote. */
export interface WrittenFacts {
  /** One that the engine knows. */
  readonly model: string
  readonly end: 'stop' | 'length' | 'tool-calls' | 'aborted' | 'failed'
  /** Of the prompt, of what was known of it before, and of the answer. */
  readonly tokens: { readonly prompt: number; readonly cached: number; readonly answer: number }
  /** From the request to its first token; absent where none came. */
  readonly firstTokenMs?: number | undefined
  /** Between two tokens, on average; absent where there were none. */
  readonly tokenMs?: number | undefined
}

/** What the endpoint counts, for Prometheus. */
export interface Metrics {
  readonly contentType: string
  /** The text that a scrape is answered with. */
  read(): Promise<string>
  /** A request that was answered, whatever its status. `model` is one that the engine knows, or empty. */
  answered(request: {
    readonly model: string
    readonly status: number
    readonly requestBytes: number
    readonly responseBytes: number
    readonly totalMs: number
    readonly times?: InferenceTimes | undefined
  }): void
  /** A stream whose upstream failed in its middle. */
  moved(stream: MovedStream): void
  wrote(facts: WrittenFacts): void
}

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Why a request was refused, by its status; others are answers or failures. */
const refusals: Readonly<Record<number, string>> = {
  401: 'token',
  403: 'scope',
  408: 'slow',
  413: 'size',
  429: 'rate',
  499: 'hung-up',
  503: 'overload',
}

/** @param options.process also tells of the process: memory, processor time, the event loop's delay */
export function createMetrics(engine: InferEngine, options: { readonly process?: boolean } = {}): Metrics {
  const register = new Registry()
  const registers = [register]
  if (options.process === true) collectDefaultMetrics({ register })
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({ name, help, labelNames, registers })
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, labelNames: ['model'], buckets, registers })

  const requests = counter('hither_requests_total', 'Requests answered, by model and status.', ['model', 'status'])
  const refused = counter('hither_refusals_total', 'Requests refused, by model and reason.', ['model', 'reason'])
  const received = counter('hither_request_bytes_total', 'Bytes of request bodies, as they travelled.', ['model'])
  const sent = counter('hither_response_bytes_total', 'Bytes of answers, as they travelled.', ['model'])
  const total = histogram('hither_request_seconds', 'From the request to its answer, the upload included.', seconds)
  const queue = histogram('hither_queue_seconds', 'Wait for a worker.', seconds)
  const compute = histogram('hither_compute_seconds', 'Compute, of the whole run where requests were joined.', seconds)
  const batch = histogram('hither_batch_size', 'Requests in the run that answered.', [1, 2, 4, 8, 16, 32, 64, 128, 256])

  const moves = counter(
    'hither_text_moves_total',
    'Texts whose upstream failed, by model, reason and what became of them.',
    ['model', 'reason', 'outcome'],
  )
  const texts = counter('hither_text_answers_total', 'Texts written, by model and how they ended.', ['model', 'end'])
  const tokens = counter('hither_text_tokens_total', 'Tokens of texts, by model and kind.', ['model', 'kind'])
  const firstToken = histogram('hither_text_first_token_seconds', 'From the request to its first token.', seconds)
  const eachToken = histogram('hither_text_token_seconds', 'Between two tokens, on average of a text.', seconds)

  const workers = new Gauge({ name: 'hither_workers', help: 'Runs that can go on at a time.', registers })
  const busy = new Gauge({ name: 'hither_workers_busy', help: 'Workers that run something.', registers })
  const waitMs = new Gauge({ name: 'hither_wait_seconds', help: 'Predicted wait of one more request.', registers })
  const waiting = new Gauge({
    name: 'hither_waiting',
    help: 'Requests that wait for a worker, by model.',
    labelNames: ['model'],
    registers,
  })

  return {
    contentType: register.contentType,
    async read() {
      const now = await engine.capacity()
      workers.set(now.workers)
      busy.set(now.busy)
      waitMs.set(now.waitMs / 1000)
      waiting.reset()
      for (const model of now.models) waiting.inc({ model: model.name }, model.waiting)
      return register.metrics()
    },
    moved: (stream) => moves.inc({ ...stream }),
    wrote({ model, end, tokens: { prompt, cached, answer }, firstTokenMs, tokenMs }) {
      texts.inc({ model, end })
      tokens.inc({ model, kind: 'read' }, Math.max(0, prompt - cached))
      tokens.inc({ model, kind: 'cached' }, cached)
      tokens.inc({ model, kind: 'written' }, answer)
      if (firstTokenMs !== undefined) firstToken.observe({ model }, firstTokenMs / 1000)
      if (tokenMs !== undefined) eachToken.observe({ model }, tokenMs / 1000)
    },
    answered({ model, status, requestBytes, responseBytes, totalMs, times }) {
      requests.inc({ model, status })
      const reason = refusals[status]
      if (reason !== undefined) refused.inc({ model, reason })
      received.inc({ model }, requestBytes)
      sent.inc({ model }, responseBytes)
      total.observe({ model }, totalMs / 1000)
      if (times === undefined) return
      queue.observe({ model }, times.queueMs / 1000)
      compute.observe({ model }, times.computeMs / 1000)
      batch.observe({ model }, times.batch)
    },
  }
}
