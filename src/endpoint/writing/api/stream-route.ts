import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CloudError } from '../../../errors/cloud-error.ts'
import { ValidationError } from '../../../errors/validation-error.ts'
import type { OpenAiFront } from '../../openai/openai-front.ts'
import type { PluginContext } from '../../plugin/endpoint-plugin.ts'
import { grants, inferScope } from '../../security/scopes.ts'
import type { EventLog } from './event-log.ts'
import type { KeptStreams } from './kept-streams.ts'

/** Milliseconds until a connection is tried again: the first write to one that is gone only makes its other side say so. */
const [againMs, thenMs] = [100, 1_000]

/**
 * Sends server-sent events as they come. A client that has closed the connection looks like one that has ended its side of
 * it and waits, until something is written; and the model may take a while for its next token. So comments are.
 *
 * @param after id of the last event that the reader has
 */
export function sendEvents(request: FastifyRequest, reply: FastifyReply, log: EventLog, after?: number): FastifyReply {
  const events = log.read(after)
  const { socket } = request.raw
  let timer: NodeJS.Timeout | undefined
  const tryConnection = (nextMs: number) => {
    log.comment()
    timer = setTimeout(() => tryConnection(thenMs), nextMs).unref()
  }
  const halfClosed = () => tryConnection(againMs)
  if (socket.readableEnded) halfClosed()
  else socket.once('end', halfClosed)
  events.once('close', () => {
    clearTimeout(timer)
    socket.off('end', halfClosed)
  })
  return (
    reply
      .header('Cache-Control', 'no-store')
      // Proxies such as nginx would wait for more than an event.
      .header('X-Accel-Buffering', 'no')
      .type('text/event-stream; charset=utf-8')
      .send(events)
  )
}

/**
 * `GET /v1/streams/ID`: what of a streamed answer follows the event of `Last-Event-ID`, and what is still to come. It is
 * given to the subject of the token that the answer was asked for with, and to nobody else.
 */
export function addStreamRoute(
  app: FastifyInstance,
  parts: { readonly context: PluginContext; readonly front: OpenAiFront; readonly kept: KeptStreams },
): void {
  const { context, front, kept } = parts
  const { access, observe } = context
  app.get<{ Params: { readonly id: string } }>(
    '/v1/streams/:id',
    { onRequest: front.ofModel.onRequest },
    async (request, reply) => {
      const stream = kept.find(request.params.id)
      const token = access.tokenOf(request)
      const isTheirs =
        stream !== undefined &&
        stream.client === token?.client &&
        (token === undefined || grants(token.scopes, inferScope(stream.model)))
      // Whose it is not need not know that there is one.
      if (!isTheirs) throw new CloudError('cloud-refused', 'There is no such stream.', { context: { status: 404 } })
      observe.named(request, stream.model)
      return sendEvents(request, reply, stream.log, lastEvent(request.headers['last-event-id']))
    },
  )
}

function lastEvent(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header)
  throw new ValidationError('options-invalid', 'Last-Event-ID must be the number of an event of this stream.')
}
