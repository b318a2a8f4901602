import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { formatServerTiming } from '../../protocol/server/server-timing.ts'
import { runInference } from '../engine/run-inference.ts'
import { timeoutOf } from '../http/client-timeout.ts'
import { compressAnswer } from '../http/compress-answer.ts'
import { untilHungUp } from '../http/until-hung-up.ts'
import { inferScope } from '../security/scopes.ts'
import type { RouteContext } from './route-context.ts'

interface InferRoute {
  Params: { readonly model: string; readonly version?: string }
  Body: Buffer<ArrayBuffer> | undefined
}

/** `POST …/infer`: JSON, binary and raw tensors, in and out. */
export function addInferRoutes(app: FastifyInstance, context: RouteContext): void {
  const { engine, codec, access, limits, observe } = context

  const infer = async (request: FastifyRequest<InferRoute>, reply: FastifyReply) => {
    const { model, version } = request.params
    const seen = observe.of(request)
    const answer = await runInference(
      { engine, codec },
      {
        model,
        version,
        body: request.body ?? new Uint8Array(),
        headBytes: request.headers['inference-header-content-length'],
        arrivedAtMs: seen.arrivedAtMs,
        timeoutMs: timeoutOf(request),
        traceparent: seen.traceparent,
        signal: untilHungUp(reply),
      },
    )
    observe.ran(request, answer)
    const { queueMs, loadMs, computeMs, decodeMs, encodeMs, totalMs } = answer.times
    const load = loadMs < 1 ? {} : { load: loadMs }
    const timing = { decode: decodeMs, queue: queueMs, ...load, compute: computeMs, encode: encodeMs, total: totalMs }
    reply.header('Server-Timing', formatServerTiming(timing)).headers(answer.headers)
    return reply.send(await compressAnswer(answer.body, request, reply))
  }

  const onRequest = [
    access.requires(({ params }) => inferScope((params as InferRoute['Params']).model), { unguarded: 'open' }),
    limits.perToken,
    async (request: FastifyRequest) => {
      // Before the body is read: a refusal under load must cost next to nothing.
      const { model, version } = request.params as InferRoute['Params']
      const timeoutMs = timeoutOf(request)
      const { arrivedAtMs } = observe.of(request)
      engine.admit(model, version, timeoutMs === undefined ? undefined : arrivedAtMs + timeoutMs)
    },
  ]
  app.post<InferRoute>('/v2/models/:model/infer', { onRequest }, infer)
  app.post<InferRoute>('/v2/models/:model/versions/:version/infer', { onRequest }, infer)
}
