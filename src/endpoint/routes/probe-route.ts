import type { FastifyInstance } from 'fastify'
import { maxProbeBytes, probePath } from '../../protocol/server/capacity.ts'
import { formatServerTiming } from '../../protocol/server/server-timing.ts'

/** Takes a page's probe of its link: bytes that are dropped, answered at once. Any page may send them without asking. */
export async function addProbeRoute(app: FastifyInstance): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('text/plain', { parseAs: 'buffer' }, (_, __, done) => done(null, undefined))
  app.post(probePath, { bodyLimit: maxProbeBytes }, async (_, reply) => {
    const startMs = performance.now()
    reply.header('Cache-Control', 'no-store')
    reply.header('Server-Timing', formatServerTiming({ total: performance.now() - startMs }))
    return reply.code(204).send()
  })
}
