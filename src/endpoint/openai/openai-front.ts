import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify'
import { CloudError } from '../../errors/cloud-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { toStatus } from '../http/error-reply.ts'
import type { PluginContext } from '../plugin/endpoint-plugin.ts'
import { grants, inferScope } from '../security/scopes.ts'

/** A request of the OpenAI API that is about a model: its JSON as it came, unpacked. */
export interface OpenAiBody {
  Body: Buffer<ArrayBuffer>
}

/** What the routes of the OpenAI API have in common, whatever answers them. */
export interface OpenAiFront {
  /** `GET /v1/models` and `/v1/models/:model`: those of these models that the request's token allows. */
  addModels(
    list: () => Promise<readonly { readonly id: string }[]>,
    /** More of one model than its entry in the list has. */
    more?: (entry: { readonly id: string }) => Promise<unknown>,
  ): void
  /** Hooks of a route whose body names the model: the client's rate, and a token for the model. */
  readonly ofModel: {
    readonly onRequest: ((request: FastifyRequest) => Promise<void>)[]
    readonly preHandler: preHandlerAsyncHookHandler
  }
  /** The model that the body of such a route's request names. */
  modelOf(request: FastifyRequest): string
  /** What tells its conversation from others, and is the same from turn to turn; empty where it has none. */
  conversationOf(request: FastifyRequest): string
}

/**
 * Errors in that API's form, who may use its routes, and what is seen of them. Bodies are not parsed: only the model's
 * name is looked for, so that they can be passed on as they came.
 *
 * @param options.bodyLimitBytes where it is less than what all routes share
 */
export function openOpenAiFront(
  app: FastifyInstance,
  { access, limits, observe, codec, readBody }: PluginContext,
  { bodyLimitBytes: limitBytes }: { readonly bodyLimitBytes?: number } = {},
): OpenAiFront {
  observe.addTo(app)
  answerOpenAiErrors(app)
  const models = new WeakMap<FastifyRequest, { readonly model: string; readonly conversation: string }>()
  const releases = new WeakMap<FastifyRequest, () => void>()
  const modelOf = (request: FastifyRequest) => models.get(request)?.model ?? ''
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', (request: FastifyRequest, payload: IncomingMessage) =>
    // The bytes are held until the answer is sent, and count as long.
    readBody(request, payload, { limitBytes, hold: (release) => void releases.set(request, release) }),
  )
  const anyToken = access.requires(undefined, { unguarded: 'open' })
  const itsModel = access.requires((request) => inferScope(modelOf(request)), { unguarded: 'open' })
  const onRequest = [limits.perAddress, anyToken, limits.perToken] as ((request: FastifyRequest) => Promise<void>)[]
  return {
    addModels(list, more = async (entry) => entry) {
      const allowed = async (request: FastifyRequest) => {
        const scopes = access.tokenOf(request)?.scopes
        return (await list()).filter(({ id }) => scopes === undefined || grants(scopes, inferScope(id)))
      }
      app.get('/v1/models', { onRequest }, async (request) => ({ object: 'list', data: await allowed(request) }))
      app.get<{ Params: { readonly model: string } }>('/v1/models/:model', { onRequest }, async (request) => {
        const { model } = request.params
        const found = (await allowed(request)).find(({ id }) => id === model)
        if (found === undefined)
          throw new CloudError('cloud-model-missing', `There is no model ${model.slice(0, 100)}.`)
        return more(found)
      })
    },
    ofModel: {
      onRequest,
      // Which model it is about is known once the body is there.
      async preHandler(request, reply) {
        const release = releases.get(request) ?? (() => {})
        if (reply.raw.destroyed) release()
        else reply.raw.once('close', release)
        const { body, model, conversation } = await codec.modelName(
          (request.body as OpenAiBody['Body']) ?? new Uint8Array(),
        )
        models.set(request, { model, conversation })
        request.body = body
        await itsModel.call(app, request, reply)
      },
    },
    modelOf,
    conversationOf: (request) => models.get(request)?.conversation ?? '',
  }
}

/** An error as the OpenAI API tells it, and the status that it has where nothing was answered before. */
export function toOpenAiError(error: Error): { readonly status: number; readonly body: object } {
  const isOurs = isHitherError(error)
  const status = isOurs ? toStatus(error) : 'statusCode' in error ? Number(error.statusCode) : 500
  const message = isOurs || status < 500 ? error.message : 'The endpoint failed.'
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  const { param = '' } = isOurs ? error.context : {}
  return {
    status,
    body: { error: { message, type, param: param === '' ? null : param, code: isOurs ? error.code : null } },
  }
}

function answerOpenAiErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    if (request.raw.socket.destroyed) return reply.hijack()
    const { status, body } = toOpenAiError(error)
    const { retryAfterMs = 1000 } = isHitherError(error) ? error.context : {}
    if (status === 429 || status === 503) reply.header('Retry-After', String(Math.ceil(Number(retryAfterMs) / 1000)))
    if (status === 401) reply.header('WWW-Authenticate', 'Bearer')
    if (status >= 500 && !isHitherError(error)) request.log.error(error)
    return reply.code(status).header('Cache-Control', 'no-store').send(body)
  })
}
