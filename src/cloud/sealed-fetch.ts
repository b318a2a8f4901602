import * as v from 'valibot'
import { CloudError } from '../errors/cloud-error.ts'
import { isErrorLike } from '../errors/is-error-like.ts'
import type { AnswerSeal, SealingKey, SealingKeys } from '../protocol/sealing.ts'
import { isInstance } from '../utils/is-instance.ts'
import { lazy } from '../utils/lazy.ts'

/** The status of an endpoint that does not have the key that a request is sealed to. */
const unknownKeyStatus = 422

/** Headers that say how to read a body, and so belong under its seal. */
const sealedHeaders = ['content-type', 'content-encoding', 'inference-header-content-length']

/** Milliseconds that fetched keys are kept at most; they also name the time after which they are not to be used. */
const keepMs = 60 * 60 * 1000

export interface SealedFetchOptions {
  readonly baseUrl: string
  readonly fetch: typeof globalThis.fetch
  readonly keys?: (() => Promise<unknown>) | undefined
  readonly nowDate?: () => number
}

/**
 * A `fetch` that seals what is posted to one endpoint and opens what it answers; requests without a body go as they are.
 * Nothing is ever sent unsealed instead: without a key, or with an answer that can't be opened, the request fails.
 *
 * The code that seals is loaded with the first request.
 *
 * @param options.keys where the endpoint's keys come from. Default: the endpoint itself, which whoever stands between
 *   could answer for; a site's own backend can hand them over instead
 */
export function createSealedFetch(options: SealedFetchOptions): typeof globalThis.fetch {
  const { baseUrl, fetch, nowDate = Date.now } = options
  const sealing = lazy(() => import('../protocol/sealing.ts'))
  let kept: { readonly keys: SealingKeys; readonly atMs: number } | undefined

  const fetchKeys = async (signal: AbortSignal | null | undefined): Promise<unknown> => {
    const { keysPath } = await sealing.get()
    const init = { cache: 'no-cache', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer' } as const
    const response = await fetch(`${baseUrl}${keysPath}`, { ...init, ...(signal ? { signal } : {}) })
    if (!response.ok) throw unsealable(`it publishes no keys (status ${response.status})`)
    return response.json()
  }

  const keyOf = async (signal: AbortSignal | null | undefined, fresh: boolean): Promise<SealingKey> => {
    const { sealingKeysSchema } = await sealing.get()
    const nowMs = nowDate()
    if (fresh || kept === undefined || nowMs - kept.atMs > keepMs) {
      const found = v.safeParse(sealingKeysSchema, await (options.keys?.() ?? fetchKeys(signal)))
      if (!found.success) throw unsealable('what it publishes are no keys')
      kept = { keys: found.output, atMs: nowMs }
    }
    const key = kept.keys.keys.find(({ notAfter }) => Date.parse(notAfter) > nowMs)
    if (key === undefined) throw unsealable('its keys have run out; is the clock of this device right?')
    return key
  }

  const post = async (url: string, init: RequestInit, fresh: boolean): Promise<Response> => {
    const { sealRequest, sealedType } = await sealing.get()
    const method = init.method ?? 'POST'
    const headers = new Headers(init.headers)
    const head: Record<string, string> = {}
    for (const name of sealedHeaders) {
      const value = headers.get(name)
      if (value !== null) head[name] = value
      headers.delete(name)
    }
    const key = await keyOf(init.signal, fresh)
    const path = url.slice(baseUrl.length).split('?')[0] ?? ''
    const { bytes, answer } = await sealRequest({ head, body: toBytes(init.body) }, key, { method, path })
    headers.set('Content-Type', sealedType)
    const response = await fetch(url, { ...init, method, headers, body: bytes })
    const isSealed = response.headers.get('Content-Type')?.startsWith(sealedType) === true
    if (isSealed) return open(response, answer)
    if (response.status === unknownKeyStatus && !fresh) {
      await response.body?.cancel()
      return post(url, init, true)
    }
    // Refused before it was opened, or by someone on the way: no answer, so nothing is believed of it but that.
    if (response.status >= 400) return response
    throw new CloudError('cloud-bad-response', 'The endpoint answered a sealed request in the open.', {
      context: { status: response.status },
    })
  }

  return async (input, init = {}) => {
    const url = String(isInstance(input, 'Request') ? input.url : input)
    if (init.body === undefined || init.body === null) return fetch(input, init)
    return post(url, init, false)
  }
}

async function open(response: Response, answer: AnswerSeal): Promise<Response> {
  try {
    const { head, body } = await answer.open(new Uint8Array(await response.arrayBuffer()))
    const headers = new Headers(response.headers)
    for (const name of ['content-type', 'content-length', 'inference-header-content-length']) {
      headers.delete(name)
      if (head[name] !== undefined) headers.set(name, String(head[name]))
    }
    // A copy of its own begins where its elements can be read in place.
    return new Response(new Uint8Array(body), { status: Number(head.status), headers })
  } catch (cause) {
    if (isErrorLike(cause) && cause.name === 'AbortError') throw cause
    throw new CloudError('cloud-bad-response', "The endpoint's sealed answer can not be opened.", {
      cause,
      context: { status: response.status },
    })
  }
}

const unsealable = (why: string) =>
  new CloudError('cloud-bad-response', `The request can not be sealed to the endpoint: ${why}.`)

function toBytes(body: RequestInit['body']): Uint8Array {
  if (typeof body === 'string') return new TextEncoder().encode(body)
  if (isInstance(body, 'Uint8Array')) return body
  if (isInstance(body, 'ArrayBuffer')) return new Uint8Array(body)
  throw new TypeError('only text and bytes can be sealed')
}
