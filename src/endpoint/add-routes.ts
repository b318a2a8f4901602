import type { FastifyInstance } from 'fastify'
import { CloudError } from '../errors/cloud-error.ts'
import { allowOrigins } from './http/cross-origin.ts'
import { answerErrors, sendError } from './http/error-reply.ts'
import { refuseForeignPages } from './http/foreign-pages.ts'
import { takeBytes } from './http/request-body.ts'
import type { ModelFolder } from './model-folder/model-folder.ts'
import { addPlugins, type EndpointPlugin } from './plugin/endpoint-plugin.ts'
import { addInferRoutes } from './routes/infer-routes.ts'
import { addMetadataRoutes } from './routes/metadata-routes.ts'
import { addNoNotices } from './routes/notices-route.ts'
import { addProbeRoute } from './routes/probe-route.ts'
import { addRepositoryRoutes } from './routes/repository-routes.ts'
import type { RouteContext } from './routes/route-context.ts'
import { addAppFiles, addModelFiles } from './routes/static-routes.ts'
import { addSealingKeys, takeSealedRequests } from './security/sealed-requests.ts'
import type { SealingKeyRing } from './security/sealing-keys.ts'

export interface EndpointOrigins {
  /** Whose pages may use the endpoint. */
  readonly allowed: readonly string[]
  /** That the served app may send requests to. */
  readonly connectTo: readonly string[]
  /** Whose pages may embed the widget; `*` for all. */
  readonly embedOn: readonly string[]
}

/** Adds every route of an endpoint to its server. The order matters: a scope's hooks run in the order of adding. */
export async function addRoutes(
  app: FastifyInstance,
  options: {
    readonly context: RouteContext
    readonly origins: EndpointOrigins
    /** Origins that the served app may send requests to, those of the models' files included. */
    readonly connectTo: () => readonly string[]
    readonly ring: SealingKeyRing
    readonly plugins: readonly EndpointPlugin[]
    /** The folder whose files are served below `/models/`. */
    readonly models: { readonly modelsDir: string; readonly folder: ModelFolder } | undefined
    readonly appDir: string | undefined
  },
): Promise<void> {
  const { context, origins, connectTo, ring, plugins, models, appDir } = options
  const { limits, observe, readBody, codec } = context
  answerErrors(app)

  await app.register(async (shared) => {
    await allowOrigins(shared, origins.allowed)
    shared.addHook('onRequest', async ({ url }) => {
      // Balancers ask for health until the end.
      if (!context.isDraining() || url.startsWith('/v2/health')) return
      throw new CloudError('cloud-overloaded', 'The endpoint is closing; ask another one, or try again in a moment.')
    })
    await shared.register(async (guarded) => {
      refuseForeignPages(guarded, origins.allowed)
      await guarded.register(async (api) => {
        observe.addTo(api)
        api.addHook('onRequest', limits.perAddress)
        takeBytes(api, readBody)
        takeSealedRequests(api, { ring, readBody, codec })
        addMetadataRoutes(api, context)
        addInferRoutes(api, context)
        addRepositoryRoutes(api, context)
      })
      await addPlugins(guarded, plugins, context)
      addNoNotices(guarded, context)
    })
    await shared.register(addProbeRoute)
    addSealingKeys(shared, ring)
    // In this scope, so that pages of the allowed origins can read the 404 of an address that this endpoint lacks.
    shared.route({
      method: ['GET', 'POST'],
      url: '/hither/v1/*',
      handler: (_, reply) => sendError(reply, 404, 'There is nothing at this address.'),
    })
    if (models !== undefined) {
      await shared.register((files) => addModelFiles(files, models.modelsDir, () => models.folder.models))
    }
  })
  if (appDir !== undefined) {
    await app.register((files) => addAppFiles(files, appDir, { connectTo, embedOn: origins.embedOn }))
  }
}
