import type { FastifyInstance } from 'fastify'
import { noticesPath } from '../../contracts/notice.ts'
import type { RouteContext } from './route-context.ts'

/**
 * `GET /hither/v1/notices` where nothing keeps any: an empty list. Every page asks for them, and browsers write a 404 into
 * its console in red.
 */
export function addNoNotices(app: FastifyInstance, { access, limits }: RouteContext): void {
  if (app.hasRoute({ method: 'GET', url: noticesPath })) return
  const onRequest = [limits.perAddress, access.requires(undefined, { unguarded: 'open' }), limits.perToken]
  app.get(noticesPath, { onRequest }, async (_, reply) =>
    reply.header('Cache-Control', 'no-store').send({ notices: [] }),
  )
}
