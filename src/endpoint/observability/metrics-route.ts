import Fastify, { type FastifyInstance } from 'fastify'
import { answerErrors } from '../http/error-reply.ts'
import { answerForNode, createOwnAnswers } from '../http/own-answers.ts'
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

/**
 * The same on a port of its own, which the network keeps to those who may read it.
 *
 * @param headers those of every answer
 */
export function createMetricsServer(
  metrics: Metrics,
  headers: () => Readonly<Record<string, string>>,
): FastifyInstance {
  // A scraper's connection must not keep the endpoint from closing.
  const app: FastifyInstance = Fastify({
    forceCloseConnections: true,
    requestTimeout: 30_000,
    ...createOwnAnswers(headers),
  })
  answerForNode(app.server, headers)
  answerErrors(app)
  app.addHook('onRequest', async (_, reply) => {
    reply.headers(headers())
  })
  answer(app, metrics)
  return app
}
