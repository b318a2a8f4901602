import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ValidationError } from '../errors/validation-error.ts'
import { parseInferRequest, wantsBinary } from '../protocol/infer-request.ts'
import { encodeInferResponse } from '../protocol/infer-response.ts'
import { formatServerTiming } from '../protocol/server-timing.ts'
import type { PluginContext } from './endpoint-plugin.ts'
import { inferScope } from './security/scopes.ts'

interface InferRoute {
  Params: { readonly model: string; readonly version?: string }
  Body: Buffer | undefined
}

/** `POST …/infer`: JSON and binary tensors, in and out. */
export function addInferRoutes(app: FastifyInstance, { engine, access }: PluginContext): void {
  // Fastify's own would also take text/plain, which a page of any origin may send without asking first.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(['application/json', 'application/octet-stream'], { parseAs: 'buffer' }, (_, body, done) =>
    done(null, body),
  )
  const infer = async (request: FastifyRequest<InferRoute>, reply: FastifyReply) => {
    const startMs = performance.now()
    const model = await engine.find(request.params.model, request.params.version)
    refuseEncoding(request.headers['content-encoding'])
    const asked = parseInferRequest(ownMemory(request.body), headBytes(request))
    const { inputs, parameters, id, outputs } = asked
    const result = await engine.infer(
      {
        model,
        inputs,
        parameters,
        ...(id === undefined ? {} : { id }),
        ...(outputs === undefined ? {} : { outputs: outputs.map(({ name }) => name) }),
      },
      untilHungUp(reply),
    )
    const { body, headers } = encodeInferResponse({
      modelName: model.name,
      ...(model.version === '' ? {} : { modelVersion: model.version }),
      ...(id === undefined ? {} : { id }),
      outputs: result.outputs,
      binary: (name) => wantsBinary(asked, name),
    })
    const { queueMs, loadMs, computeMs } = result
    const timing = { queue: queueMs, ...(loadMs < 1 ? {} : { load: loadMs }), compute: computeMs }
    reply.header('Server-Timing', formatServerTiming({ ...timing, total: performance.now() - startMs }))
    reply.header('Cache-Control', 'no-store').headers(headers)
    return reply.send(Buffer.from(body.buffer, body.byteOffset, body.length))
  }
  const onRequest = access.requires(({ params }) => inferScope((params as InferRoute['Params']).model), {
    unguarded: 'open',
  })
  app.post<InferRoute>('/v2/models/:model/infer', { onRequest }, infer)
  app.post<InferRoute>('/v2/models/:model/versions/:version/infer', { onRequest }, infer)
}

function refuseEncoding(encoding: string | undefined): void {
  if (encoding === undefined || encoding === 'identity') return
  throw Object.assign(new Error(`Requests with Content-Encoding ${encoding} are not taken.`), { statusCode: 415 })
}

function headBytes({ headers }: FastifyRequest<InferRoute>): number | undefined {
  const header = headers['inference-header-content-length']
  if (header === undefined) return undefined
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header)
  throw new ValidationError('options-invalid', 'Inference-Header-Content-Length must be one whole number.')
}

/** Its memory will be given to a thread; that of a small Buffer is a part of what many share. */
function ownMemory(body: Buffer | undefined): Uint8Array {
  if (body === undefined) return new Uint8Array()
  return body.byteLength === body.buffer.byteLength ? body : new Uint8Array(body)
}

/** Aborts when the client closes the connection before it has its answer. */
function untilHungUp(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client hung up'))
  })
  return controller.signal
}
