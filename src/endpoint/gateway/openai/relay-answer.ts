import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { CloudError } from '../../../errors/cloud-error.ts'
import { compressAnswer } from '../../http/compress-answer.ts'
import { joinInTurns } from '../../threads/join-in-turns.ts'
import { maxWholeBytes, type RelayOutcome, wholeEvents } from './whole-events.ts'

/** What an upstream says that a client may use. Cookies and what names the upstream stay behind. */
const relayed = ['content-type', 'retry-after', 'x-request-id', 'openai-processing-ms']

/**
 * Gives an upstream's answer on to a client, packed where the client takes that and it pays. Server-sent events go on as
 * they come, each one whole; when the upstream dies between two of them, the last event says so, because the status was
 * sent long before.
 *
 * @throws {CloudError} `cloud-bad-response`: an answer that is not streamed was cut off, or is too long; `cloud-refused`,
 *   with its `context.status`: a refusal (4xx) whose reason was cut off
 */
export async function relayAnswer(response: Response, reply: FastifyReply, outcome: RelayOutcome): Promise<void> {
  const headers = relayed.flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  const isEvents = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
  const body = isEvents
    ? Readable.from(wholeEvents(response.body, outcome))
    : await compressAnswer(await whole(response, outcome), reply.request, reply)
  await reply.code(response.status).headers(Object.fromEntries(headers)).header('Cache-Control', 'no-store').send(body)
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
