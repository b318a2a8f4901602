import Fastify, { type FastifyInstance } from 'fastify'
import type { Access } from '../security/access.ts'
import { metricsScope } from '../security/scopes.ts'
import type { Metrics } from './metrics.ts'

const answer = (app: FastifyInstance, metrics: Metrics, access?: Access) =>
  app.get(
    '/metrics',
    access === undefined ? {} : { onRequest: access.requires(metricsScope, { unguarded: 'open' }) },
    async (_, reply) =>
      reply
        .header('Cache-Control', 'no-store')
        .type(metrics.contentType)
        .send(await metrics.read()),
  )

/** `GET /metrics` for Prometheus, on the endpoint's own port. */
export const addMetricsRoute = (app: FastifyInstance, metrics: Metrics, access: Access): void => {
  answer(app, metrics, access)
}

/** The same on a port of its own, which the network keeps to those who may read it. */
export function createMetricsServer(metrics: Metrics): FastifyInstance {
  // A scraper's connection must not keep the endpoint from closing.
  const app = Fastify({ forceCloseConnections: true, requestTimeout: 30_000 })
  answer(app, metrics)
  return app
}
