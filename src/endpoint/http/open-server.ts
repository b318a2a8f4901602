import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { answerHalfClosed } from './half-closed.ts'
import { httpError } from './http-error.ts'
import { answerForNode, createOwnAnswers } from './own-answers.ts'
import { watchConnections } from './quiet-connections.ts'
import { type TrustProxy, toTrustedProxies, trustFunction } from './trusted-proxies.ts'

/**
 * Milliseconds. A client that connects and stays silent, or sends byte by byte, is cut off. Keep-alive is longer than
 * the 60 s after which load balancers close idle connections: a server that closes first answers some requests with a
 * reset.
 */
export const arrivalTimesMs = { headers: 15_000, request: 120_000, idle: 120_000, keepAlive: 75_000, check: 5_000 }

/** A server that has no routes yet. */
export interface HttpServer {
  readonly app: FastifyInstance
  /** True once it is closing: it finishes requests under way and takes no new ones. */
  readonly isDraining: () => boolean
}

/**
 * Creates the server, with limits on how long a request may take to arrive, and a way to close that clients can't block.
 *
 * @throws {ConfigError} `config-invalid`: these are no proxies
 */
export function openServer(options: {
  readonly logger: FastifyBaseLogger | undefined
  readonly trustProxy: TrustProxy
  readonly bodyLimitBytes: number
  readonly arrivalLimitsMs: { readonly headers: number; readonly request: number }
  /** Headers of every answer. */
  readonly headers: () => Readonly<Record<string, string>>
}): HttpServer {
  const { logger, trustProxy, bodyLimitBytes, arrivalLimitsMs, headers } = options
  const app: FastifyInstance = Fastify({
    ...(logger === undefined ? { logger: false } : { loggerInstance: logger }),
    trustProxy: trustFunction(toTrustedProxies(trustProxy)),
    bodyLimit: bodyLimitBytes,
    requestTimeout: arrivalLimitsMs.request,
    connectionTimeout: arrivalTimesMs.idle,
    keepAliveTimeout: arrivalTimesMs.keepAlive,
    http: {
      // Node's own answer to a request without one lacks our headers.
      requireHostHeader: false,
      headersTimeout: arrivalLimitsMs.headers,
      connectionsCheckingInterval: Math.min(arrivalTimesMs.check, arrivalLimitsMs.headers),
    },
    forceCloseConnections: 'idle',
    // Its own answer would lack the headers, so that pages of other origins could not read it.
    return503OnClosing: false,
    ...createOwnAnswers(headers),
  })
  answerHalfClosed(app.server)
  answerForNode(app.server, headers)
  app.addHook('onRequest', async ({ raw }, reply) => {
    reply.headers(headers())
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined) {
      throw httpError(400, 'A request of HTTP/1.1 names its host.')
    }
  })
  let draining = false
  const connections = watchConnections(app.server, arrivalLimitsMs.headers)
  app.addHook('preClose', async () => {
    draining = true
    connections.closeQuiet()
  })
  app.addHook('onSend', async (_, reply) => {
    // A connection that is kept alive after its last answer would keep the server from closing.
    if (draining) reply.header('Connection', 'close')
  })
  return { app, isDraining: () => draining }
}
