import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { errorCodes } from '../errors/codes.ts'
import { isHitherError } from '../errors/hither-error.ts'

/** Seconds after which an overloaded endpoint is worth asking again. */
const retryAfterSeconds = 1

const statusOf: Readonly<Record<string, number>> = {
  'cloud-model-missing': 404,
  'cloud-overloaded': 503,
  'cloud-timeout': 504,
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
      const status = errorCodes[error.code].kind === 'ValidationError' ? 400 : (statusOf[error.code] ?? 500)
      return sendError(reply, status, error.message)
    }
    const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500
    if (status >= 500) request.log.error(error)
    const sentence = 'code' in error ? sentences[error.code] : undefined
    return sendError(reply, status, sentence ?? (status < 500 ? error.message : 'The endpoint failed.'))
  })
  app.setNotFoundHandler((_, reply) => sendError(reply, 404, 'There is nothing at this address.'))
}

export function sendError(reply: FastifyReply, status: number, message: string): FastifyReply {
  if (status === 503) reply.header('Retry-After', String(retryAfterSeconds))
  return reply.code(status).header('Cache-Control', 'no-store').send({ error: message })
}
