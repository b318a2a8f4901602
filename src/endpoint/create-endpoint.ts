import { availableParallelism } from 'node:os'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { ConfigError } from '../errors/config-error.ts'
import { allowOrigins, parseOrigin } from './cross-origin.ts'
import { answerErrors } from './error-reply.ts'
import { isReady, sessionKey } from './find-model.ts'
import { createInferPool } from './infer-pool.ts'
import { addInferRoutes } from './infer-routes.ts'
import { loadModels } from './load-models.ts'
import { addMetadataRoutes } from './metadata-routes.ts'
import { packageVersion } from './package-version.ts'
import { addSecurityHeaders } from './security-headers.ts'
import { addAppFiles, addModelFiles } from './static-routes.ts'

export interface EndpointOptions {
  /** Folder of `catalog.json`, or of `<name>/<revision>/manifest.json` without one. */
  readonly modelsDir: string
  /** Threads that run models. Default: one less than there are cores, at least one. */
  readonly workers?: number
  /** Origins whose pages may use this endpoint, like `https://www.example.com`. Default: only its own. */
  readonly allowOrigins?: readonly string[]
  /** Folder of a built app, served from `/`. Default: none. */
  readonly appDir?: string
  /** Origins that the served app may send requests to, beside this one. */
  readonly connectTo?: readonly string[]
  /** Fastify's logger. Default: warnings and errors. Inputs, outputs and tokens are never logged. */
  readonly logger?: FastifyServerOptions['logger']
  /** Largest request. Default 64 MiB. */
  readonly bodyLimitBytes?: number
  /** Requests that may wait for a thread. Default: 64 for each. */
  readonly maxQueue?: number
  /** Milliseconds after which a run is given up. Default 30,000. */
  readonly runLimitMs?: number
  /** The compiled thread script. Default: beside this file. */
  readonly workerUrl?: URL
}

/** A server of the Open Inference Protocol v2, and of the app. */
export interface Endpoint {
  readonly app: FastifyInstance
  /** Starts to answer; resolves with the port, which is a free one for port 0. */
  listen(options: { readonly port: number; readonly host: string }): Promise<{ readonly port: number }>
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
const times = { headers: 15_000, request: 120_000, idle: 120_000, keepAlive: 75_000, check: 5_000, wait: 30_000 }

/** Memory that requests may hold while they wait for a thread. */
const maxQueueBytes = 256 * mebibyte

/**
 * Loads and verifies the models, starts the threads, and builds the server; it answers once `listen` is called.
 *
 * @throws {ConfigError} an option can't be used
 * @throws {ModelError} the models' folder or its catalogue can't be read
 * @throws {CapabilityError} `worker-unavailable`: the threads can't start
 */
export async function createEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { modelsDir, appDir, workers = Math.max(1, availableParallelism() - 1), logger = { level: 'warn' } } = options
  const { bodyLimitBytes = 64 * mebibyte, maxQueue = 64 * workers, runLimitMs = 30_000 } = options
  if (!Number.isInteger(workers) || workers < 1) {
    throw new ConfigError('config-invalid', 'The number of workers must be a whole number from 1 on.')
  }
  const origins = (options.allowOrigins ?? []).map(parseOrigin)
  const connectTo = (options.connectTo ?? []).map(parseOrigin)
  const models = await loadModels(modelsDir)

  const app = Fastify({
    logger,
    bodyLimit: bodyLimitBytes,
    requestTimeout: times.request,
    connectionTimeout: times.idle,
    keepAliveTimeout: times.keepAlive,
    http: { headersTimeout: times.headers, connectionsCheckingInterval: times.check },
    forceCloseConnections: 'idle',
  })
  for (const { state } of models.records) if (state.status === 'refused') app.log.warn(state.reason)

  const ready = models.records.filter(isReady)
  const pool = createInferPool({
    graphs: new Map(ready.map((model) => [sessionKey(model), model.state.graph])),
    workers,
    workerUrl: options.workerUrl ?? new URL('./infer-worker.js', import.meta.url),
    runLimitMs,
    maxQueue,
    maxQueueBytes,
    maxWaitMs: times.wait,
    onFault: (error, model) => app.log.error({ err: error, model }, 'A run failed.'),
  })
  let draining = false
  app.addHook('preClose', async () => {
    draining = true
  })
  app.addHook('onSend', async (_, reply) => {
    // Kept alive, the connection of the last answers would keep the server from closing.
    if (draining) reply.header('Connection', 'close')
  })
  app.addHook('onClose', () => pool.close())

  answerErrors(app)
  addSecurityHeaders(app, connectTo)
  const version = await packageVersion()
  try {
    await pool.started
  } catch (error) {
    await pool.close()
    throw error
  }
  await app.register(async (shared) => {
    await allowOrigins(shared, origins)
    await shared.register(async (api) => {
      addMetadataRoutes(api, { records: models.records, version, isDraining: () => draining })
      addInferRoutes(api, models.records, pool)
    })
    await shared.register((files) => addModelFiles(files, modelsDir, models))
  })
  if (appDir !== undefined) await app.register((files) => addAppFiles(files, appDir))

  return {
    app,
    async listen({ port, host }) {
      await app.listen({ port, host })
      const address = app.server.address()
      return { port: typeof address === 'object' && address !== null ? address.port : port }
    },
    close: () => app.close(),
    get stuckThreads() {
      return pool.stuckThreads
    },
  }
}
