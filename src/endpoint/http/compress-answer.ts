import { promisify } from 'node:util'
import { deflate, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isWorthCompressing } from '../../protocol/sample-body.ts'

const packers = { gzip: promisify(gzip), deflate: promisify(deflate) }

/** Fast rather than small: the answer is waited for. */
const level = 3

/**
 * Compresses an answer where the client takes it and a sample shows that it pays: numbers as text do, most outputs as
 * binary data do not.
 */
export async function compressAnswer(
  body: Uint8Array<ArrayBuffer>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Buffer> {
  const plain = Buffer.from(body.buffer, body.byteOffset, body.length)
  const encoding = pickEncoding(request.headers['accept-encoding'])
  if (encoding === undefined) return plain
  const pack = (bytes: Uint8Array) => packers[encoding](bytes, { level })
  reply.header('Vary', withVary(reply.getHeader('Vary')))
  if (!(await isWorthCompressing(body, pack))) return plain
  const packed = await pack(body)
  if (packed.length >= body.length) return plain
  reply.header('Content-Encoding', encoding)
  return packed
}

const withVary = (vary: unknown): string =>
  vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`

/** The one that the client likes best; gzip of two that it likes as much. */
export function pickEncoding(header: string | string[] | undefined): 'gzip' | 'deflate' | undefined {
  const weights = new Map<string, number>()
  for (const part of String(header ?? '').split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    weights.set(name, weight === undefined ? 1 : Number(weight) || 0)
  }
  const of = (name: string) => weights.get(name) ?? weights.get('*') ?? 0
  const [gzipWeight, deflateWeight] = [of('gzip'), of('deflate')]
  if (Math.max(gzipWeight, deflateWeight) === 0) return undefined
  return gzipWeight >= deflateWeight ? 'gzip' : 'deflate'
}
