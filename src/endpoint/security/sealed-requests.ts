import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type AnswerSecret, keyIdOf, keysPath, sealedType } from '../../protocol/sealing.ts'
import type { Codec } from '../codec/codec.ts'
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
export function takeSealedRequests(
  app: FastifyInstance,
  { ring, readBody, codec }: { readonly ring: SealingKeyRing; readonly readBody: ReadBody; readonly codec: Codec },
): void {
  const secrets = new WeakMap<FastifyRequest, AnswerSecret>()

  app.addContentTypeParser(sealedType, async (request: FastifyRequest, payload: Readable) => {
    const path = request.url.split('?')[0] ?? ''
    const bytes = await readBody(request, payload)
    const key = await ring.find(keyIdOf(bytes))
    if (key === undefined) {
      const sentence = 'The request is sealed to a key that this endpoint does not have any more; fetch the keys again.'
      throw httpError(422, sentence)
    }
    const { message, secret } = await codec.open({ bytes, method: request.method, path }, key)
    secrets.set(request, secret)
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
    const secret = secrets.get(request)
    if (secret === undefined) return payload
    if (typeof payload !== 'string' && !(payload instanceof Uint8Array)) {
      throw httpError(400, 'A sealed request can not be answered with a stream.')
    }
    secrets.delete(request)
    const head: Record<string, string | number> = { status: reply.statusCode }
    for (const name of sealedHeaders) {
      const value = reply.getHeader(name)
      if (value !== undefined) head[name] = String(value)
      reply.removeHeader(name)
    }
    const body = (typeof payload === 'string' ? Buffer.from(payload) : payload) as Uint8Array<ArrayBuffer>
    const sealed = await codec.seal({ head, body, secret })
    reply.removeHeader('content-length')
    reply.header('Content-Type', sealedType)
    return Buffer.from(sealed.buffer)
  })
}
