import type { FastifyReply } from 'fastify'

/** Aborts when the client closes the connection before it has its answer. */
export function untilHungUp(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client hung up'))
  })
  return controller.signal
}
