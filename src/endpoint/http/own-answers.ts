import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'

/** What is refused before any route is found, by Fastify or Node: by its code, a status and a sentence. */
const known: Readonly<Record<string, readonly [status: number, sentence: string]>> = {
  FST_ERR_BAD_URL: [400, 'The address is not a valid one.'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'A part of the address is too long.'],
  HPE_HEADER_OVERFLOW: [431, 'The headers of the request are too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to arrive.'],
}
const other = [400, 'This is no request of HTTP/1.1.'] as const

type Headers = () => Readonly<Record<string, string>>

const jsonType = 'application/json; charset=utf-8'
const toBody = (sentence: string): string => JSON.stringify({ error: sentence })

/**
 * Answers for what Fastify and Node refuse themselves, in the form of all others: `{"error": "a sentence"}`, with the
 * headers of every answer.
 *
 * @param headers those of every answer
 */
export const createOwnAnswers = (headers: Headers) => ({
  frameworkErrors(error: FastifyError, _: FastifyRequest, reply: FastifyReply) {
    const [status, sentence] = known[error.code] ?? [error.statusCode ?? 500, 'The endpoint failed.']
    void reply
      .code(status)
      .headers({ ...headers(), 'Cache-Control': 'no-store' })
      .type(jsonType)
      .send(toBody(sentence))
  },
  clientErrorHandler(error: Error & { readonly code?: string }, socket: Socket) {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    // In the middle of an answer these bytes would be a part of it.
    if (!hasBegunAnswer(socket)) writeAnswer(socket, known[error.code ?? ''] ?? other, headers())
    socket.destroy(error)
  },
})

/**
 * The same for what Node answers without asking anyone: a request that expects what it does not know, and one for a
 * tunnel.
 */
export function answerForNode(server: Server, headers: Headers): void {
  server.on('checkExpectation', (_: IncomingMessage, response: ServerResponse) => {
    const body = toBody('This endpoint expects "100-continue" at most.')
    response.writeHead(417, toHeaders(headers(), body)).end(body)
  })
  server.on('connect', (_: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {})
    writeAnswer(socket, [405, 'This endpoint is no proxy.'], headers())
    socket.end()
  })
}

const toHeaders = (headers: Readonly<Record<string, string>>, body: string): Record<string, string> => ({
  ...headers,
  'Cache-Control': 'no-store',
  'Content-Type': jsonType,
  'Content-Length': String(Buffer.byteLength(body)),
  Connection: 'close',
})

/** Node's own words for it; nothing public says which answer a socket carries. */
const hasBegunAnswer = (socket: Socket): boolean =>
  (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true

function writeAnswer(
  socket: Socket,
  [status, sentence]: readonly [status: number, sentence: string],
  headers: Readonly<Record<string, string>>,
): void {
  if (!socket.writable) return
  const body = toBody(sentence)
  const all = toHeaders(headers, body)
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
}
