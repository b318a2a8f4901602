import type { FastifyInstance, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify'
import * as v from 'valibot'
import { CloudError } from '../../errors/cloud-error.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { toStatus } from '../http/error-reply.ts'
import type { PluginContext } from '../plugin/endpoint-plugin.ts'
import { grants, inferScope } from '../security/scopes.ts'

/** What every request of the OpenAI API that is about a model says. */
export const namesModelSchema = v.looseObject({ model: v.pipe(v.string(), v.minLength(1), v.maxLength(1000)) })

/** What the routes of the OpenAI API have in common, whatever answers them. */
export interface OpenAiFront {
  /** `GET /v1/models` and `/v1/models/:model`: those of these models that the request's token allows. */
  addModels(list: () => Promise<readonly { readonly id: string }[]>): void
  /** Hooks of a route whose body names the model: the client's rate, and a token for the model. */
  readonly ofModel: {
    readonly onRequest: ((request: FastifyRequest) => Promise<void>)[]
    readonly preHandler: preHandlerAsyncHookHandler
  }
}

/** Errors in that API's form, who may use its routes, and what is seen of them. */
export function openOpenAiFront(app: FastifyInstance, { access, limits, observe }: PluginContext): OpenAiFront {
  observe.addTo(app)
  answerOpenAiErrors(app)
  const anyToken = access.requires(undefined, { unguarded: 'open' })
  const itsModel = access.requires(({ body }) => inferScope(modelOf(body)), { unguarded: 'open' })
  const onRequest = [limits.perAddress, anyToken, limits.perToken] as ((request: FastifyRequest) => Promise<void>)[]
  return {
    addModels(list) {
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
        return found
      })
    },
    ofModel: {
      onRequest,
      // Which model it is about is known once the body is there.
      preHandler: async (request, reply) => itsModel.call(app, request, reply),
    },
  }
}

function answerOpenAiErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    if (request.raw.socket.destroyed) return reply.hijack()
    const status = isHitherError(error) ? toStatus(error) : 'statusCode' in error ? Number(error.statusCode) : 500
    const { retryAfterMs = 1000 } = isHitherError(error) ? error.context : {}
    if (status === 429 || status === 503) reply.header('Retry-After', String(Math.ceil(Number(retryAfterMs) / 1000)))
    if (status === 401) reply.header('WWW-Authenticate', 'Bearer')
    if (status >= 500 && !isHitherError(error)) request.log.error(error)
    const message = isHitherError(error) || status < 500 ? error.message : 'The endpoint failed.'
    const type = status < 500 ? 'invalid_request_error' : 'server_error'
    const code = isHitherError(error) ? error.code : null
    return reply
      .code(status)
      .header('Cache-Control', 'no-store')
      .send({ error: { message, type, param: null, code } })
  })
}

const modelOf = (body: unknown): string => {
  const parsed = v.safeParse(namesModelSchema, body)
  return parsed.success ? parsed.output.model : ''
}
