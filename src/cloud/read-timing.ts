import { parseServerTiming } from '../protocol/server/server-timing.ts'
import type { CloudAnswer } from './cloud-request.ts'

/** Where the time of a run on the endpoint went, in milliseconds. What the server does not tell is absent. */
export interface CloudTiming {
  /** From sending the request to the last byte of the answer. */
  readonly totalMs: number
  readonly serverMs?: number
  readonly queueMs?: number
  readonly computeMs?: number
}

/** Where an answer says its time went. */
export function readTiming({ headers, totalMs }: CloudAnswer): CloudTiming {
  const durations = parseServerTiming(headers.get('Server-Timing'))
  const part = (name: string, key: 'serverMs' | 'queueMs' | 'computeMs') => {
    const ms = durations.get(name)
    return ms === undefined ? {} : { [key]: ms }
  }
  return { totalMs, ...part('total', 'serverMs'), ...part('queue', 'queueMs'), ...part('compute', 'computeMs') }
}

/**
 * Bytes of an answer's body on the wire. Triton compresses every answer to a browser, and script sees the body only
 * unpacked: then `Content-Length`, which CORS hides from no page, is the smaller of the two.
 */
export function wireBytes({ headers, body }: Pick<CloudAnswer, 'headers' | 'body'>): number {
  const length = Number(headers.get('Content-Length') ?? Number.NaN)
  return Number.isSafeInteger(length) && length > 0 && length < body.length ? length : body.length
}
