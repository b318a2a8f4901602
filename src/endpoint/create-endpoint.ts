import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { within } from '../utils/within.ts'
import { addRoutes, type EndpointOrigins } from './add-routes.ts'
import { openCodec } from './codec/codec.ts'
import { openPoolEngine } from './compute/open-pool-engine.ts'
import { parseOrigin } from './http/cross-origin.ts'
import { arrivalTimesMs, openServer } from './http/open-server.ts'
import { answerOwnHosts } from './http/own-hosts.ts'
import { createBodyBudget, type ReadBody, readRequestBody } from './http/request-body.ts'
import { createSecurityHeaders } from './http/security-headers.ts'
import { isElsewhere } from './model-folder/load-models.ts'
import { type ModelFolder, openModelFolder } from './model-folder/model-folder.ts'
import { createLogger } from './observability/logger.ts'
import { createMetrics } from './observability/metrics.ts'
import { addMetricsRoute, createMetricsServer } from './observability/metrics-route.ts'
import { createObserve } from './observability/observe.ts'
import { createStatistics } from './observability/statistics.ts'
import { openTracing } from './observability/tracing.ts'
import { createEmbeddingsPart } from './openai/embeddings-part.ts'
import { createOpenAiPlugin } from './openai/openai-plugin.ts'
import { packageVersion } from './package-version.ts'
import { checkOptions } from './plugin/check-options.ts'
import type { EndpointOptions } from './plugin/endpoint-options.ts'
import { createFileOrigins } from './routes/file-origins.ts'
import type { RouteContext } from './routes/route-context.ts'
import { createAccess } from './security/access.ts'
import { createRequestLimits } from './security/rate-limits.ts'
import { createSealingKeyRing } from './security/sealing-keys.ts'
import { createVerifyToken } from './security/verify-token.ts'
import { openWriting } from './writing/open-writing.ts'

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

/** Milliseconds that the last traces may take to be sent. */
const tracesEndMs = 5_000

/**
 * Loads and verifies the models, starts the threads, and builds the server; it answers once `listen` is called.
 *
 * @throws {ConfigError} an option can't be used
 * @throws {ModelError} the models' folder or its catalogue can't be read
 * @throws {CapabilityError} `worker-unavailable`: the threads can't start
 */
export async function createEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { modelsDir, logger, traces = false, trustProxy = false } = options
  const { bodyLimitBytes = 64 * mebibyte, bodyBudgetBytes = 512 * mebibyte, arrivalLimitsMs = arrivalTimesMs } = options
  checkOptions(options)
  const origins = readOrigins(options)
  const ring = createSealingKeyRing({ seed: options.sealingSeed ?? crypto.getRandomValues(new Uint8Array(32)) })
  const folder = modelsDir === undefined ? undefined : await openModelFolder(modelsDir)
  const version = await packageVersion()

  const connectTo = createFileOrigins(origins.connectTo, () => folder?.models)
  const headers = createSecurityHeaders(connectTo)
  const { app, isDraining } = openServer({
    logger: logger === false ? undefined : (createLogger(logger) as FastifyBaseLogger),
    trustProxy,
    bodyLimitBytes,
    arrivalLimitsMs,
    headers,
  })
  const access = createAccess(openTokens(options, app.log))
  answerOwnHosts(app, options.allowHosts ?? [])
  const engine = options.engine ?? (await openPoolEngine(options, folder, app.log))
  const writing =
    options.engine === undefined && folder !== undefined ? openWriting(options, engine, folder, app.log) : undefined
  const tracing = traces === false ? undefined : await openTracing(version, traces === true ? undefined : traces)
  app.addHook('onClose', async () => {
    await Promise.all([engine.close(), writing?.close()])
    // A collector that says nothing must not keep the process: what it has not taken by then is lost.
    if (tracing !== undefined) await within(tracing.close(), tracesEndMs, () => undefined).catch(() => {})
  })

  const metrics = createMetrics(engine, { process: options.processMetrics === true })
  const statistics = createStatistics()
  const observe = createObserve({ engine, metrics, statistics, tracing })
  const limits = await createRequestLimits(app, access, options.rateLimit)
  const { openRepository = false } = options
  const codec = openCodec((cause) => app.log.error({ err: cause }, 'The thread that reads large requests failed.'))
  app.addHook('onClose', () => codec.close())
  const budget = createBodyBudget(bodyBudgetBytes)
  const readBody: ReadBody = (request, payload, { limitBytes = bodyLimitBytes, hold } = {}) =>
    readRequestBody(request.headers, payload, {
      limitBytes: Math.min(limitBytes, bodyLimitBytes),
      budget,
      hold,
      // What is unpacked from under a seal has travelled before.
      onBytes: (bytes) => payload === request.raw && observe.received(request, bytes),
    })
  const shared = { engine, codec, readBody, access, version, isDraining, limits, observe }
  const context: RouteContext = { ...shared, statistics, openRepository }
  // An engine of another kind brings the API that its servers have.
  const parts = [createEmbeddingsPart(engine), ...(writing === undefined ? [] : [writing.part])]
  const own = options.engine === undefined ? [createOpenAiPlugin(parts)] : []
  const metricsServer = options.metricsPort === undefined ? undefined : createMetricsServer(metrics, headers)
  if (metricsServer !== undefined) answerOwnHosts(metricsServer, options.allowHosts ?? [])
  await addRoutes(app, {
    context,
    origins,
    connectTo,
    ring,
    plugins: [...own, ...(options.plugins ?? [])],
    models: modelsDir === undefined || folder === undefined ? undefined : { modelsDir, folder },
    appDir: options.appDir,
  })
  if (metricsServer === undefined) addMetricsRoute(app, metrics, access)
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
      if (folder !== undefined) await reloadModels(folder, app.log)
    },
    close: () => app.close(),
    get stuckThreads() {
      return engine.stuckThreads + (writing?.stuckThreads ?? 0)
    },
  }
}

const openTokens = ({ tokens }: EndpointOptions, log: FastifyBaseLogger) =>
  tokens === undefined
    ? undefined
    : createVerifyToken(tokens, undefined, (err) => log.error({ err }, "The tokens' keys can't be renewed."))

/** The origins that the options name, checked. @throws {ConfigError} `config-invalid` */
const readOrigins = ({ allowOrigins = [], connectTo = [], embedOn = [] }: EndpointOptions): EndpointOrigins => ({
  allowed: allowOrigins.map(parseOrigin),
  connectTo: connectTo.map(parseOrigin),
  embedOn: embedOn.map((origin) => (origin === '*' ? origin : parseOrigin(origin))),
})

/** Reloads all models. A model that fails to load is logged, and its previous version stays served. */
async function reloadModels(folder: ModelFolder, log: FastifyBaseLogger): Promise<void> {
  for (const name of await folder.names()) {
    // No warning for a model whose files were elsewhere before: they may have been added, and need not have been.
    const level = folder.models.records.some((record) => record.name === name && isElsewhere(record)) ? 'info' : 'warn'
    await folder.load(name).catch((error: unknown) => log[level]({ err: error }, `${name} was not loaded again.`))
  }
}
