import { CloudError } from '../errors/cloud-error.ts'
import { abortable } from '../utils/abortable.ts'
import { type JoinChunks, readBody } from './read-body.ts'
import { toStatusError } from './status-error.ts'

export interface CloudAnswer {
  readonly headers: Headers
  readonly body: Uint8Array
  /** From sending to the last byte of this attempt; attempts that were refused before it do not count. */
  readonly totalMs: number
  /** From sending to the answer's headers. */
  readonly headersMs: number
}

export interface CloudRequest {
  /** Below the base address, from `/v2` on. */
  readonly path: string
  readonly method?: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array<ArrayBuffer>
  /** A token goes along where one is configured. Default true. */
  readonly authorized?: boolean
  /** Statuses that are no error. Default: 200 alone. */
  readonly accepts?: (status: number) => boolean
  readonly limitBytes: number
  readonly signal: AbortSignal
  /** Reads an accepted answer's body. Default: whole, up to `limitBytes`. */
  readonly read?: typeof readBody
}

export type SendRequest = (request: CloudRequest) => Promise<CloudAnswer>

/** An error's body is read only this far: a sentence is all that is wanted of it. */
const maxErrorBytes = 64 * 1024

/**
 * Sends requests to one endpoint. Redirects are not followed: a token must not reach another origin.
 *
 * A token is asked for before each request, and once more when the endpoint answers 401; keeping one while it is valid
 * is the caller's to do.
 */
export function createSendRequest(options: {
  readonly baseUrl: string
  readonly token: (() => string | Promise<string>) | undefined
  readonly fetch: typeof globalThis.fetch
  readonly now: () => number
  readonly nowDate: () => number
  /** Default: in one go. */
  readonly join?: JoinChunks | undefined
}): SendRequest {
  const { baseUrl, token, fetch, now, nowDate, join } = options

  const attempt = async (request: CloudRequest): Promise<CloudAnswer | CloudError> => {
    const { path, method = 'GET', headers = {}, body, authorized = true, limitBytes, signal } = request
    const { accepts = (status) => status === 200, read = readBody } = request
    const bearer = authorized && token !== undefined ? await abortable(askToken(token), signal) : undefined
    signal.throwIfAborted()
    const startMs = now()
    // Not written into the call: the types of Node's fetch, where the gateway uses this, know no cache.
    const init = {
      method,
      headers: { ...headers, ...(bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` }) },
      ...(body === undefined ? {} : { body }),
      signal,
      // What is posted is stored nowhere anyway; to say so would have browsers ask another origin for leave before each
      // request, a round trip more, as they then leave aside what its last preflight allowed.
      cache: method === 'GET' ? 'no-store' : 'default',
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
    } as const
    const response = await reach(signal, () => fetch(`${baseUrl}${path}`, init))
    const headersMs = now() - startMs
    if (!accepts(response.status)) {
      const reason = await readBody(response, { limitBytes: maxErrorBytes, signal }).catch(() => new Uint8Array())
      signal.throwIfAborted()
      return toStatusError(response, reason, nowDate())
    }
    const bytes = await abortable(read(response, { limitBytes, signal, join }), signal)
    return { headers: response.headers, body: bytes, totalMs: now() - startMs, headersMs }
  }

  return async (request) => {
    const first = await attempt(request)
    const renew = first instanceof CloudError && first.context.status === 401 && token !== undefined
    const answer = renew && request.authorized !== false ? await attempt(request) : first
    if (answer instanceof CloudError) throw answer
    return answer
  }
}

async function askToken(token: () => string | Promise<string>): Promise<string> {
  try {
    return await token()
  } catch (cause) {
    throw new CloudError('cloud-unauthorized', 'No access token for the endpoint could be had.', { cause })
  }
}

async function reach(signal: AbortSignal, fetch: () => Promise<Response>): Promise<Response> {
  try {
    return await abortable(fetch(), signal)
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof CloudError) throw cause
    throw new CloudError('cloud-unreachable', 'The endpoint could not be reached.', { cause })
  }
}
