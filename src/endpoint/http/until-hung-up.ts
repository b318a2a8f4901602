import type { FastifyReply } from 'fastify'

/** Aborts when the client closes the connection before it has its answer. */
export function untilHungUp(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  const { raw } = reply
  const end = () => {
    if (!raw.writableFinished) controller.abort(new Error('the client hung up'))
  }
  // It may have gone while its request was being read.
  if (raw.destroyed) end()
  else raw.once('close', end)
  return controller.signal
}
