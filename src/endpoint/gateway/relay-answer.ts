import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { CloudError } from '../../errors/cloud-error.ts'
import { compressAnswer } from '../http/compress-answer.ts'
import { joinInTurns } from '../threads/join-in-turns.ts'

/** Answers that are not streamed are read whole first, so that half of one is an error and not an answer. */
const maxWholeBytes = 64 * 1024 * 1024

/** What an upstream says that a client may use. Cookies and what names the upstream stay behind. */
const relayed = ['content-type', 'retry-after', 'x-request-id', 'openai-processing-ms']

/**
 * Gives an upstream's answer on to a client, packed where the client takes that and it pays. Server-sent events go on as they come, each one whole; when the upstream
 * dies between two of them, the last event says so, because the status was sent long before.
 *
 * @throws {CloudError} `cloud-bad-response`: an answer that is not streamed was cut off, or is too long; `cloud-refused`,
 *   with its `context.status`: a refusal (4xx) whose reason was cut off
 */
export async function relayAnswer(
  response: Response,
  reply: FastifyReply,
  onCut: (cause: unknown) => void,
): Promise<void> {
  const headers = relayed.flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  const isEvents = /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
  const body = isEvents
    ? Readable.from(wholeEvents(response.body, onCut))
    : await compressAnswer(await whole(response, onCut), reply.request, reply)
  await reply.code(response.status).headers(Object.fromEntries(headers)).header('Cache-Control', 'no-store').send(body)
}

async function whole(response: Response, onCut: (cause: unknown) => void): Promise<Buffer<ArrayBuffer>> {
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
  return joinInTurns(chunks, length)
}

const cutOff = (message: string) =>
  `data: ${JSON.stringify({ error: { message, type: 'server_error', code: 'cut_off' } })}\n\n`

/** The bytes of a stream of events, up to the end of an event each time. */
export async function* wholeEvents(
  body: AsyncIterable<Uint8Array> | null,
  onCut: (cause: unknown) => void,
): AsyncGenerator<Buffer | string> {
  /** The event that has not ended yet. */
  let parts: Buffer[] = []
  let length = 0
  /** Its last bytes: an event's end may lie across two chunks. */
  let tail = Buffer.alloc(0)
  try {
    for await (const chunk of body ?? []) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      const seen = Buffer.concat([tail, bytes])
      const end = endOfLastEvent(seen) - tail.length
      if (end > 0) {
        yield joinInTurns([...parts, bytes.subarray(0, end)], length + end)
        parts = []
        length = 0
      }
      const rest = bytes.subarray(Math.max(0, end))
      parts.push(rest)
      length += rest.length
      tail = seen.subarray(Math.max(seen.length - (longestEnd - 1), end > 0 ? tail.length + end : 0))
      if (length > maxWholeBytes) break
    }
  } catch (cause) {
    onCut(cause)
    yield cutOff('The answer was cut off: the server that wrote it is gone.')
    return
  }
  if (length > maxWholeBytes) yield cutOff('The answer was cut off: a part of it is too long.')
  else if (length > 0) yield joinInTurns(parts, length)
}

const ends = ['\n\n', '\r\n\r\n', '\r\r']
const longestEnd = 4

/** 0 where none ends. */
function endOfLastEvent(bytes: Buffer): number {
  const found = ends.map((blank) => {
    const at = bytes.lastIndexOf(blank)
    return at === -1 ? 0 : at + blank.length
  })
  return Math.max(...found)
}
