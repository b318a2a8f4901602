import { STATUS_CODES } from 'node:http'
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

/**
 * Answers for what Fastify and Node refuse themselves, in the form of all others: `{"error": "a sentence"}`, with the
 * headers of every answer.
 *
 * @param headers those of every answer
 */
export const createOwnAnswers = (headers: () => Readonly<Record<string, string>>) => ({
  frameworkErrors(error: FastifyError, _: FastifyRequest, reply: FastifyReply) {
    const [status, sentence] = known[error.code] ?? [error.statusCode ?? 500, 'The endpoint failed.']
    void reply
      .code(status)
      .headers({ ...headers(), 'Cache-Control': 'no-store' })
      .type('application/json; charset=utf-8')
      .send(JSON.stringify({ error: sentence }))
  },
  clientErrorHandler(error: Error & { readonly code?: string }, socket: Socket) {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    const [status, sentence] = known[error.code ?? ''] ?? other
    const body = JSON.stringify({ error: sentence })
    const all = {
      ...headers(),
      'Cache-Control': 'no-store',
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': String(Buffer.byteLength(body)),
      Connection: 'close',
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    if (socket.writable) socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`)
    socket.destroy(error)
  },
})
