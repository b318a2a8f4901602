import type { TensorMap } from '../contracts/tensor.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { parseInferResponse } from '../protocol/infer-response.ts'
import { parseServerTiming } from '../protocol/server-timing.ts'
import type { CloudAnswer } from './cloud-request.ts'

/** Where the time of a run on the endpoint went, in milliseconds. What the server does not tell is absent. */
export interface CloudTiming {
  /** From sending the request to the last byte of the answer. */
  readonly totalMs: number
  readonly serverMs?: number
  readonly queueMs?: number
  readonly computeMs?: number
}

/**
 * The outputs in an endpoint's answer.
 *
 * @throws {CloudError} `cloud-bad-response`: it is no answer of the protocol, or not the one to this request
 */
export function readOutputs(
  { headers, body }: CloudAnswer,
  { id, outputs: asked }: { readonly id?: string; readonly outputs?: readonly string[] },
): TensorMap {
  const refuse = (message: string) => new CloudError('cloud-bad-response', message, { context: { status: 200 } })
  if (/^\s*text\/html\b/i.test(headers.get('Content-Type') ?? '')) {
    throw refuse(
      'The endpoint answered with a web page instead of a result; a login page or a proxy may be in the way.',
    )
  }
  const answer = withStatus(() => parseInferResponse(body))
  if (id !== undefined && answer.id !== undefined && answer.id !== id && answer.id !== '') {
    throw refuse('The endpoint answered another request than this one.')
  }
  const missing = asked?.find((name) => !Object.hasOwn(answer.outputs, name))
  if (missing !== undefined) throw refuse(`The endpoint's answer lacks the output ${missing}.`)
  if (Object.keys(answer.outputs).length === 0) throw refuse("The endpoint's answer has no outputs.")
  return answer.outputs
}

function withStatus<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof CloudError)) throw error
    throw new CloudError('cloud-bad-response', error.message, { cause: error.cause, context: { status: 200 } })
  }
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
