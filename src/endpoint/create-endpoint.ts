import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import { allowOrigins, parseOrigin } from './cross-origin.ts'
import { addPlugins, type EndpointPlugin, type PluginContext } from './endpoint-plugin.ts'
import { answerErrors } from './error-reply.ts'
import type { InferEngine } from './infer-engine.ts'
import { addInferRoutes } from './infer-routes.ts'
import { addMetadataRoutes } from './metadata-routes.ts'
import { openModelFolder } from './model-folder.ts'
import { openPoolEngine } from './open-pool-engine.ts'
import { packageVersion } from './package-version.ts'
import { addProbeRoute } from './probe-route.ts'
import { createAccess } from './security/access.ts'
import { createVerifyToken, type TokenOptions } from './security/verify-token.ts'
import { addSecurityHeaders } from './security-headers.ts'
import { addAppFiles, addModelFiles } from './static-routes.ts'

export interface EndpointOptions {
  /**
   * Folder of `catalog.json`, or of `<name>/<revision>/manifest.json` without one. Its files are served below
   * `/models/`, and its models are run here unless an `engine` is given.
   */
  readonly modelsDir?: string
  /** What runs the models instead of threads of this process. It is closed with the endpoint. */
  readonly engine?: InferEngine
  /** How access tokens are checked. Default: none are asked for. */
  readonly tokens?: TokenOptions
  /** Routes beside those of the protocol. */
  readonly plugins?: readonly EndpointPlugin[]
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
  /** Requests of one model that may wait for a thread. Default: 64 for each thread. */
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
const times = { headers: 15_000, request: 120_000, idle: 120_000, keepAlive: 75_000, check: 5_000 }

/**
 * Loads and verifies the models, starts the threads, and builds the server; it answers once `listen` is called.
 *
 * @throws {ConfigError} an option can't be used
 * @throws {ModelError} the models' folder or its catalogue can't be read
 * @throws {CapabilityError} `worker-unavailable`: the threads can't start
 */
export async function createEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { modelsDir, appDir, plugins = [], logger = { level: 'warn' } } = options
  const { bodyLimitBytes = 64 * mebibyte } = options
  const origins = (options.allowOrigins ?? []).map(parseOrigin)
  const connectTo = (options.connectTo ?? []).map(parseOrigin)
  const access = createAccess(options.tokens === undefined ? undefined : createVerifyToken(options.tokens))
  const folder = modelsDir === undefined ? undefined : await openModelFolder(modelsDir)

  const app = Fastify({
    logger,
    bodyLimit: bodyLimitBytes,
    requestTimeout: times.request,
    connectionTimeout: times.idle,
    keepAliveTimeout: times.keepAlive,
    http: { headersTimeout: times.headers, connectionsCheckingInterval: times.check },
    forceCloseConnections: 'idle',
  })
  const engine = options.engine ?? (await openPoolEngine(options, folder, app.log))
  let draining = false
  app.addHook('preClose', async () => {
    draining = true
  })
  app.addHook('onSend', async (_, reply) => {
    // Kept alive, the connection of the last answers would keep the server from closing.
    if (draining) reply.header('Connection', 'close')
  })
  app.addHook('onClose', () => engine.close())

  answerErrors(app)
  addSecurityHeaders(app, connectTo)
  const context: PluginContext = { engine, access, version: await packageVersion(), isDraining: () => draining }
  await app.register(async (shared) => {
    await allowOrigins(shared, origins)
    await shared.register(async (api) => {
      addMetadataRoutes(api, context)
      addInferRoutes(api, context)
    })
    await shared.register(addProbeRoute)
    await addPlugins(shared, plugins, context)
    if (modelsDir !== undefined && folder !== undefined) {
      await shared.register((files) => addModelFiles(files, modelsDir, () => folder.models))
    }
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
      return engine.stuckThreads
    },
  }
}
