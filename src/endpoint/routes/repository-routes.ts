import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as v from 'valibot'
import { CloudError } from '../../errors/cloud-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { readJsonHead } from '../../protocol/json/read-json-head.ts'
import { checkWire, optionalParametersSchema } from '../../protocol/tensors/parse-tensors.ts'
import { httpError } from '../http/http-error.ts'
import { inferScope, repositoryScope } from '../security/scopes.ts'
import type { RouteContext } from './route-context.ts'

interface RepositoryRoute {
  Params: { readonly model: string }
  Body: Buffer | undefined
}

interface StatisticsRoute {
  Params: { readonly model: string; readonly version?: string }
}

const indexSchema = v.object({ ready: v.nullish(v.boolean()) })
const changeSchema = v.object({ parameters: optionalParametersSchema })

/** The protocol's repository and statistics extensions. */
export function addRepositoryRoutes(app: FastifyInstance, context: RouteContext): void {
  const { engine, access, statistics, openRepository } = context
  const anyToken = access.requires(undefined, { unguarded: 'open' })

  app.post<RepositoryRoute>('/v2/repository/index', { onRequest: anyToken }, async ({ body }) => {
    const { ready } = checkWire(indexSchema, readOptional(body))
    const models = await engine.models()
    return models
      .filter(({ unavailable }) => ready !== true || unavailable === undefined)
      .map(({ name, version, unavailable }) => ({
        name,
        version,
        state: unavailable === undefined ? 'READY' : 'UNAVAILABLE',
        ...(unavailable === undefined ? {} : { reason: unavailable }),
      }))
  })

  const onRequest = access.requires(repositoryScope, { unguarded: openRepository ? 'open' : 'closed' })
  app.post<RepositoryRoute>('/v2/repository/models/:model/load', { onRequest }, async ({ params, body }) => {
    const { parameters } = checkWire(changeSchema, readOptional(body))
    // Triton would take a model's files or an address here.
    if (Object.keys(parameters).length > 0) {
      throw new ValidationError(
        'options-invalid',
        'Models are loaded from the folder as it is; parameters are not taken.',
      )
    }
    await engine.load(params.model)
    return {}
  })
  app.post<RepositoryRoute>('/v2/repository/models/:model/unload', { onRequest }, async ({ params, body }) => {
    checkWire(changeSchema, readOptional(body))
    await engine.unload(params.model)
    return {}
  })

  const ofModel = access.requires(
    ({ params }: FastifyRequest) => inferScope((params as StatisticsRoute['Params']).model),
    { unguarded: 'open' },
  )
  app.get('/v2/models/stats', { onRequest: anyToken }, async () => ({
    model_stats: (await engine.models()).map(({ name, version }) => statistics.read(name, version)),
  }))
  app.get<StatisticsRoute>('/v2/models/:model/stats', { onRequest: ofModel }, async ({ params }) => {
    const models = (await engine.models()).filter(({ name }) => name === params.model)
    if (models.length === 0) throw new CloudError('cloud-model-missing', 'This endpoint has no such model.')
    return { model_stats: models.map(({ name, version }) => statistics.read(name, version)) }
  })
  app.get<StatisticsRoute>('/v2/models/:model/versions/:version/stats', { onRequest: ofModel }, async ({ params }) => {
    const { name, version } = await engine.find(params.model, params.version)
    return { model_stats: [statistics.read(name, version)] }
  })
}

/** These requests say next to nothing. */
const maxBodyBytes = 64 * 1024

/** No body, or null for none. */
function readOptional(body: Buffer | undefined): unknown {
  if (body === undefined || body.length === 0) return {}
  if (body.length < 16 && body.toString().trim() === 'null') return {}
  if (body.length > maxBodyBytes) throw httpError(413, 'The request is larger than this route takes.')
  return readJsonHead(body).json
}
