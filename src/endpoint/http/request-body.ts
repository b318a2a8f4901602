import type { IncomingHttpHeaders } from 'node:http'
import type { Readable, Transform } from 'node:stream'
import { createGunzip, createInflate } from 'node:zlib'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { CloudError } from '../../errors/cloud-error.ts'
import { joinInTurns } from '../threads/join-in-turns.ts'
import { httpError } from './http-error.ts'

/** Memory that request bodies may take together while they arrive and wait to be read. */
export interface BodyBudget {
  /** @throws {CloudError} `cloud-overloaded` when there is no room for so many more bytes */
  take(bytes: number): void
  give(bytes: number): void
}

export function createBodyBudget(maxBytes: number): BodyBudget {
  let taken = 0
  return {
    take(bytes) {
      if (taken + bytes > maxBytes) {
        throw new CloudError(
          'cloud-overloaded',
          'The endpoint holds as many requests as its memory allows; try again in a moment.',
        )
      }
      taken += bytes
    },
    give(bytes) {
      taken -= bytes
    },
  }
}

export interface HoldBody {
  /** Called with what gives the memory back, once the body is there. Default: it is given back at once. */
  readonly hold?: ((release: () => void) => void) | undefined
}

const tooLarge = () => httpError(413, 'The request is larger than this endpoint takes.')

/**
 * Reads a request's body, unpacked where it is gzip or deflate. Bytes are counted as they come, packed and unpacked: a
 * small body that unpacks to a large one is refused before it is in memory, and one that says its size is refused unread.
 *
 * @returns memory that nothing else shares
 * @throws an error with `statusCode` 413 or 415; {CloudError} `cloud-overloaded`
 */
export async function readRequestBody(
  headers: IncomingHttpHeaders,
  payload: Readable,
  options: {
    readonly limitBytes: number
    readonly budget: BodyBudget
    /** Called with the bytes of each piece as it travelled. */
    readonly onBytes?: (bytes: number) => void
  } & HoldBody,
): Promise<Buffer<ArrayBuffer>> {
  const { limitBytes, budget, hold, onBytes = () => {} } = options
  const unpack = unpackerOf(headers['content-encoding'])
  if (Number(headers['content-length'] ?? 0) > limitBytes) throw tooLarge()
  const count = (chunk: Buffer) => onBytes(chunk.length)
  if (unpack !== undefined) payload.on('data', count)
  const source = unpack === undefined ? payload : payload.pipe(unpack)
  const cut = () => {
    if (!payload.readableEnded) unpack?.destroy(new Error('the request was cut off'))
  }
  payload.once('close', cut)
  const chunks: Buffer[] = []
  let length = 0
  let given = false
  const release = () => {
    if (!given) budget.give(length)
    given = true
  }
  try {
    // Left alone when it fails: ended with its stream, the connection could not carry the answer.
    for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (unpack === undefined) count(chunk)
      if (length + chunk.length > limitBytes) throw tooLarge()
      budget.take(chunk.length)
      length += chunk.length
      chunks.push(chunk)
    }
    // Its memory will be given to a thread.
    const body = await joinInTurns(chunks, length)
    if (hold === undefined) release()
    else hold(release)
    return body
  } catch (error) {
    release()
    payload.unpipe()
    payload.resume()
    if (unpack !== undefined && isZlibError(error)) {
      throw httpError(400, `The body is not what its Content-Encoding ${headers['content-encoding']} says.`)
    }
    throw error
  } finally {
    payload.off('close', cut)
    payload.off('data', count)
    unpack?.destroy()
  }
}

function unpackerOf(encoding: string | undefined): Transform | undefined {
  const name = encoding?.trim().toLowerCase()
  if (name === undefined || name === '' || name === 'identity') return undefined
  if (name === 'gzip' || name === 'x-gzip') return createGunzip()
  if (name === 'deflate') return createInflate()
  throw httpError(415, `Requests with Content-Encoding ${name.slice(0, 40)} are not taken; gzip and deflate are.`)
}

const isZlibError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (String(error.code).startsWith('Z_') || error.code === 'ERR_ZLIB_BUF')

/** Reads the body of a request on the routes that share one limit. */
export type ReadBody = (
  request: FastifyRequest,
  payload: Readable,
  options?: {
    /** Where it is less than what all routes share. */
    readonly limitBytes?: number | undefined
  } & HoldBody,
) => Promise<Buffer<ArrayBuffer>>

/**
 * The bodies that the routes of the protocol take: JSON and binary data, as bytes. A body without a type is taken from
 * programs only: a page of any origin can send one without asking first, and a page's requests name their origin.
 */
export function takeBytes(app: FastifyInstance, readBody: ReadBody): void {
  // Fastify's own would also take text/plain, which a page of any origin may send without asking first.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/octet-stream'],
    (request: FastifyRequest, payload: Readable) => readBody(request, payload),
  )
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    const { origin, 'content-type': type } = request.headers
    if (type === undefined && origin === undefined) return readBody(request, payload)
    throw httpError(415, 'The Content-Type must be application/json or application/octet-stream.')
  })
}
