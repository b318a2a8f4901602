import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type AnswerSeal, keysPath, openRequest, sealedType } from '../../protocol/sealing.ts'
import { httpError } from '../http/http-error.ts'
import type { ReadBody } from '../http/request-body.ts'
import type { SealingKeyRing } from './sealing-keys.ts'

/** Publishes the keys to seal to. */
export function addSealingKeys(app: FastifyInstance, ring: SealingKeyRing): void {
  app.get(keysPath, async (_, reply) => {
    reply.header('Cache-Control', `public, max-age=${ring.maxAgeSeconds}`)
    return ring.published()
  })
}

/** Headers that lie under the seal. */
const sealedHeaders = ['content-type', 'content-encoding', 'inference-header-content-length'] as const

/**
 * Takes sealed requests on the routes of `app`: they are opened before the route sees them, and what answers them is
 * sealed again, errors included. Only what is refused before the body is read is answered in the open.
 */
export function takeSealedRequests(app: FastifyInstance, ring: SealingKeyRing, readBody: ReadBody): void {
  const seals = new WeakMap<FastifyRequest, AnswerSeal>()

  app.addContentTypeParser(sealedType, async (request: FastifyRequest, payload: Readable) => {
    const path = request.url.split('?')[0] ?? ''
    const bytes = await readBody(request, payload)
    const opened = await openRequest(bytes, (id) => ring.find(id), { method: request.method, path })
    if (opened === undefined) {
      const sentence = 'The request is sealed to a key that this endpoint does not have any more; fetch the keys again.'
      throw httpError(422, sentence)
    }
    const { message, answer } = opened
    seals.set(request, answer)
    for (const name of sealedHeaders) {
      const value = message.head[name]
      if (value === undefined) delete request.headers[name]
      else request.headers[name] = String(value)
    }
    // Sealed bytes can't be compressed, and compressing before sealing would leak the content by its length.
    delete request.headers['accept-encoding']
    // The message may have been compressed before it was sealed; it is unpacked within the same limits as any other.
    delete request.headers['content-length']
    return readBody(request, Readable.from([message.body]))
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const seal = seals.get(request)
    if (seal === undefined) return payload
    if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
      throw httpError(400, 'A sealed request can not be answered with a stream.')
    }
    seals.delete(request)
    const head: Record<string, string | number> = { status: reply.statusCode }
    for (const name of sealedHeaders) {
      const value = reply.getHeader(name)
      if (value !== undefined) head[name] = String(value)
      reply.removeHeader(name)
    }
    const sealed = await seal.seal({ head, body: typeof payload === 'string' ? Buffer.from(payload) : payload })
    reply.removeHeader('content-length')
    reply.header('Content-Type', sealedType)
    return Buffer.from(sealed)
  })
}
