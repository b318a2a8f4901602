import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { CloudError } from '../../../errors/cloud-error.ts'
import { compressAnswer } from '../../http/compress-answer.ts'
import { joinInTurns } from '../../threads/join-in-turns.ts'
import { isEvents, maxWholeBytes } from '../continuing/reading/stream-form.ts'
import { type RelayOutcome, wholeEvents } from './whole-events.ts'

/** What an upstream says that a client may use. Cookies and what names the upstream stay behind. */
const relayed = ['content-type', 'retry-after', 'x-request-id', 'openai-processing-ms']

/**
 * Gives an upstream's answer on to a client, packed where the client takes that and it pays. Server-sent events go on as
 * they come, each one whole; when the upstream dies between two of them, the last event says so, because the status was
 * sent long before.
 *
 * @param change what becomes of an answer that is not streamed, and no refusal
 * @throws {CloudError} `cloud-bad-response`: an answer that is not streamed was cut off, or is too long; `cloud-refused`,
 *   with its `context.status`: a refusal (4xx) whose reason was cut off
 */
export async function relayAnswer(
  response: Response,
  reply: FastifyReply,
  outcome: RelayOutcome,
  change: (body: Buffer<ArrayBuffer>) => Buffer<ArrayBuffer> = (body) => body,
): Promise<void> {
  if (isEvents(response)) return relayStream(response, reply, wholeEvents(response.body, outcome))
  const body = await whole(response, outcome)
  const packed = await compressAnswer(response.ok ? change(body) : body, reply.request, reply)
  await withHeaders(response, reply).send(packed)
}

/** Answers with events, which are taken as the client reads them, under what this response says of itself. */
export async function relayStream(
  response: Response,
  reply: FastifyReply,
  events: AsyncIterable<Buffer | string>,
): Promise<void> {
  const stream = Readable.from(events)
  noticeLeaving(reply, stream)
  await withHeaders(response, reply).send(stream)
}

/** Milliseconds until a connection is tried again: the first write to one that is gone only makes its other side say so. */
const [againMs, thenMs] = [100, 1_000]

/**
 * A client that has closed the connection looks like one that has ended its side of it and waits, until something is
 * written. An upstream may take long for its next event, or be silent for ever, so comments are.
 */
function noticeLeaving(reply: FastifyReply, stream: Readable): void {
  const { raw, request } = reply
  const { socket } = request.raw
  let timer: NodeJS.Timeout | undefined
  const tryConnection = (nextMs: number) => {
    // Whole events are written at a time, so that a comment never lies within one.
    if (raw.headersSent && !raw.writableEnded && !raw.writableNeedDrain) raw.write(':\n\n')
    timer = setTimeout(() => tryConnection(thenMs), nextMs).unref()
  }
  const halfClosed = () => tryConnection(againMs)
  if (socket.readableEnded) halfClosed()
  else socket.once('end', halfClosed)
  stream.once('close', () => {
    clearTimeout(timer)
    socket.off('end', halfClosed)
  })
}

function withHeaders(response: Response, reply: FastifyReply): FastifyReply {
  const headers = relayed.flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  return reply.code(response.status).headers(Object.fromEntries(headers)).header('Cache-Control', 'no-store')
}

async function whole(response: Response, { onWhole, onCut }: RelayOutcome): Promise<Buffer<ArrayBuffer>> {
  const { status } = response
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.length
      // Not the upstream's fault: the client asked for so much.
      if (length > maxWholeBytes) break
      chunks.push(chunk)
    }
  } catch (cause) {
    // Who refuses a request early may close the connection while the request is still being sent.
    if (status >= 400 && status < 500) {
      const sentence = `The upstream refused the request with status ${status}; its reason was cut off.`
      throw new CloudError('cloud-refused', sentence, { cause, context: { status } })
    }
    onCut(cause)
    throw new CloudError('cloud-bad-response', "The upstream's answer was cut off.", { cause })
  }
  if (length > maxWholeBytes) {
    throw new CloudError('cloud-bad-response', "The upstream's answer is too long; ask for a stream, or for less.")
  }
  onWhole()
  return joinInTurns(chunks, length)
}
