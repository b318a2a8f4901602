import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { openPoolEngine } from './compute/open-pool-engine.ts'
import { allowOrigins, parseOrigin } from './http/cross-origin.ts'
import { answerErrors, sendError } from './http/error-reply.ts'
import { watchConnections } from './http/quiet-connections.ts'
import { createBodyBudget, type ReadBody, readRequestBody, takeBytes } from './http/request-body.ts'
import { addSecurityHeaders } from './http/security-headers.ts'
import { isElsewhere } from './model-folder/load-models.ts'
import { openModelFolder } from './model-folder/model-folder.ts'
import { createLogger } from './observability/logger.ts'
import { createMetrics } from './observability/metrics.ts'
import { addMetricsRoute, createMetricsServer } from './observability/metrics-route.ts'
import { createObserve } from './observability/observe.ts'
import { createStatistics } from './observability/statistics.ts'
import { openTracing } from './observability/tracing.ts'
import { createEmbeddingsPlugin } from './openai/embeddings-plugin.ts'
import { packageVersion } from './package-version.ts'
import type { EndpointOptions } from './plugin/endpoint-options.ts'
import { addPlugins } from './plugin/endpoint-plugin.ts'
import { createFileOrigins } from './routes/file-origins.ts'
import { addInferRoutes } from './routes/infer-routes.ts'
import { addMetadataRoutes } from './routes/metadata-routes.ts'
import { addProbeRoute } from './routes/probe-route.ts'
import { addRepositoryRoutes } from './routes/repository-routes.ts'
import type { RouteContext } from './routes/route-context.ts'
import { addAppFiles, addModelFiles } from './routes/static-routes.ts'
import { createAccess } from './security/access.ts'
import { createRequestLimits } from './security/rate-limits.ts'
import { addSealingKeys, takeSealedRequests } from './security/sealed-requests.ts'
import { createSealingKeyRing } from './security/sealing-keys.ts'
import { createVerifyToken } from './security/verify-token.ts'

/** A server of the Open Inference Protocol v2, and of the app. */
export interface Endpoint {
  readonly app: FastifyInstance
  /** Starts to answer; resolves with the port, which is a free one for port 0. */
  listen(options: { readonly port: number; readonly host: string }): Promise<{ readonly port: number }>
  /** Reads the models' folder again, and loads what has changed. What can't be loaded is logged, and stays as it was. */
  reload(): Promise<void>
  /** Takes no new requests, finishes those under way, and ends the threads. Idempotent. */
  close(): Promise<void>
  /** Threads whose run can't be ended: while there is one, only a signal ends the process. */
  readonly stuckThreads: number
}

const mebibyte = 1024 * 1024

/**
 * Milliseconds. A client that connects and stays silent, or sends byte by byte, is cut off. Keep-alive is longer than
 * the 60 s after which load balancers close idle connections: a server that closes first answers some requests with a
 * reset.
 */
const times = { headers: 15_000, request: 120_000, idle: 120_000, keepAlive: 75_000, check: 5_000 }

/**
 * Loads and verifies the models, starts the threads, and builds the server; it answers once `listen` is called.
 *
 * @throws {ConfigError} an option can't be used
 * @throws {ModelError} the models' folder or its catalogue can't be read
 * @throws {CapabilityError} `worker-unavailable`: the threads can't start
 */
export async function createEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const {
    modelsDir,
    appDir,
    plugins = [],
    logger,
    traces = false,
    trustProxy = false,
    openRepository = false,
  } = options
  const { bodyLimitBytes = 64 * mebibyte, bodyBudgetBytes = 512 * mebibyte, arrivalLimitsMs = times } = options
  const { sealingSeed = crypto.getRandomValues(new Uint8Array(32)) } = options
  const origins = (options.allowOrigins ?? []).map(parseOrigin)
  const connectTo = (options.connectTo ?? []).map(parseOrigin)
  const access = createAccess(options.tokens === undefined ? undefined : createVerifyToken(options.tokens))
  const ring = createSealingKeyRing({ seed: sealingSeed })
  const embedOn = (options.embedOn ?? []).map((origin) => (origin === '*' ? origin : parseOrigin(origin)))
  const folder = modelsDir === undefined ? undefined : await openModelFolder(modelsDir)
  const version = await packageVersion()

  const app: FastifyInstance = Fastify({
    ...(logger === false ? { logger: false } : { loggerInstance: createLogger(logger) as FastifyBaseLogger }),
    trustProxy,
    bodyLimit: bodyLimitBytes,
    requestTimeout: arrivalLimitsMs.request,
    connectionTimeout: times.idle,
    keepAliveTimeout: times.keepAlive,
    http: {
      headersTimeout: arrivalLimitsMs.headers,
      connectionsCheckingInterval: Math.min(times.check, arrivalLimitsMs.headers),
    },
    forceCloseConnections: 'idle',
  })
  const engine = options.engine ?? (await openPoolEngine(options, folder, app.log))
  const tracing = traces === false ? undefined : await openTracing(version, traces === true ? undefined : traces)
  let draining = false
  const connections = watchConnections(app.server, arrivalLimitsMs.headers)
  app.addHook('preClose', async () => {
    draining = true
    connections.closeQuiet()
  })
  app.addHook('onSend', async (_, reply) => {
    // Kept alive, the connection of the last answers would keep the server from closing.
    if (draining) reply.header('Connection', 'close')
  })
  app.addHook('onClose', async () => {
    await engine.close()
    await tracing?.close()
  })

  answerErrors(app)
  const mayConnectTo = createFileOrigins(connectTo, () => folder?.models)
  addSecurityHeaders(app, mayConnectTo)
  const metrics = createMetrics(engine, { process: options.processMetrics === true })
  const statistics = createStatistics()
  const observe = createObserve({ engine, metrics, statistics, tracing })
  const limits = await createRequestLimits(app, access, options.rateLimit)
  const isDraining = () => draining
  const context: RouteContext = { engine, access, version, isDraining, limits, observe, statistics, openRepository }
  const budget = createBodyBudget(bodyBudgetBytes)
  const readBody: ReadBody = ({ headers }, payload) =>
    readRequestBody(headers, payload, { limitBytes: bodyLimitBytes, budget })

  await app.register(async (shared) => {
    await allowOrigins(shared, origins)
    await shared.register(async (api) => {
      observe.addTo(api)
      api.addHook('onRequest', limits.perAddress)
      takeBytes(api, readBody)
      takeSealedRequests(api, ring, readBody)
      addMetadataRoutes(api, context)
      addInferRoutes(api, context)
      addRepositoryRoutes(api, context)
    })
    await shared.register(addProbeRoute)
    addSealingKeys(shared, ring)
    // An engine of another kind brings the API that its servers have.
    const own = options.engine === undefined ? [createEmbeddingsPlugin(engine)] : []
    await addPlugins(shared, [...own, ...plugins], context)
    // In this scope, so that pages of the origins that may use the endpoint can read that it lacks something.
    shared.route({
      method: ['GET', 'POST'],
      url: '/hither/v1/*',
      handler: (_, reply) => sendError(reply, 404, 'There is nothing at this address.'),
    })
    if (modelsDir !== undefined && folder !== undefined) {
      await shared.register((files) => addModelFiles(files, modelsDir, () => folder.models))
    }
  })
  if (options.metricsPort === undefined) addMetricsRoute(app, metrics, access)
  if (appDir !== undefined)
    await app.register((files) => addAppFiles(files, appDir, { connectTo: mayConnectTo, embedOn }))
  const metricsServer = options.metricsPort === undefined ? undefined : createMetricsServer(metrics)
  app.addHook('onClose', () => metricsServer?.close())

  return {
    app,
    async listen({ port, host }) {
      await app.listen({ port, host })
      await metricsServer?.listen({ port: options.metricsPort ?? 0, host })
      const address = app.server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : port }
    },
    async reload() {
      if (folder === undefined) return
      for (const name of await folder.names()) {
        // Its files may have come; that they still lie elsewhere is no news.
        const level = folder.models.records.some((record) => record.name === name && isElsewhere(record))
          ? 'info'
          : 'warn'
        await folder
          .load(name)
          .catch((error: unknown) => app.log[level]({ err: error }, `${name} was not loaded again.`))
      }
    },
    close: () => app.close(),
    get stuckThreads() {
      return engine.stuckThreads
    },
  }
}
