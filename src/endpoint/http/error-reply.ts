import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { errorCodes } from '../../errors/codes.ts'
import { type HitherError, isHitherError } from '../../errors/hither-error.ts'

/** Seconds after which an overloaded endpoint is worth asking again. */
const retryAfterSeconds = 1

const statusOf: Readonly<Record<string, number>> = {
  'cloud-model-missing': 404,
  'cloud-overloaded': 503,
  'cloud-timeout': 504,
  'cloud-unauthorized': 401,
  'cloud-refused': 400,
  'cloud-too-large': 413,
  'cloud-unreachable': 502,
  'cloud-bad-response': 502,
}

/** Codes of errors that know their own status: an upstream's, or one of two that the code stands for. */
const ownStatus: ReadonlySet<string> = new Set(['cloud-unauthorized', 'cloud-overloaded', 'cloud-refused'])

/** The status that an error of Hither is answered with. */
export function toStatus({ code, context }: HitherError): number {
  if (errorCodes[code].kind === 'ValidationError') return 400
  const { status } = context
  if (typeof status === 'number' && status >= 400 && status < 600 && ownStatus.has(code)) return status
  return statusOf[code] ?? 500
}

/** Sentences for what Fastify itself refuses. */
const sentences: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'The request is larger than this endpoint takes.',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The Content-Type must be application/json or application/octet-stream.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The request is not as long as its Content-Length says.',
}

/** Every error is answered as the protocol asks: a status, and `{"error": "a sentence"}`. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | Error, request, reply) => {
    // The client hung up: there is nobody to answer, and nothing went wrong here.
    if (request.raw.socket.destroyed) return reply.hijack()
    if (isHitherError(error)) {
      const { retryAfterMs } = error.context
      return sendError(
        reply,
        toStatus(error),
        error.message,
        typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
      )
    }
    const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500
    if (status >= 500) request.log.error(error)
    const sentence = 'code' in error ? sentences[error.code] : undefined
    return sendError(reply, status, sentence ?? (status < 500 ? error.message : 'The endpoint failed.'))
  })
  app.setNotFoundHandler((_, reply) => sendError(reply, 404, 'There is nothing at this address.'))
}

export function sendError(reply: FastifyReply, status: number, message: string, retryAfterMs?: number): FastifyReply {
  if (status === 503 || status === 429) {
    const seconds = retryAfterMs === undefined ? retryAfterSeconds : Math.max(1, Math.ceil(retryAfterMs / 1000))
    reply.header('Retry-After', String(seconds))
  }
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer')
  return reply.code(status).header('Cache-Control', 'no-store').send({ error: message })
}
