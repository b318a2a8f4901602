import { CloudError } from '../errors/cloud-error.ts'

/** A reason longer than this is cut: it may be a page, or a stack trace. */
const maxReason = 300

/**
 * The error that an answer other than 200 stands for.
 *
 * @param body the answer's body, or as much of it as there is
 * @param nowMs for a `Retry-After` that is a date
 */
export function toStatusError(response: Response, body: Uint8Array, nowMs: number): CloudError {
  const { status } = response
  const reason = readReason(body)
  const retryAfterMs = readRetryAfter(response.headers.get('Retry-After'), nowMs)
  const context = {
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(reason === '' ? {} : { reason }),
  }
  const saying = reason === '' ? '' : `: ${reason}`
  if (status === 429 || status === 503) {
    return new CloudError('cloud-overloaded', `The endpoint is too busy right now${saying}`, { context })
  }
  if (status === 401 || status === 403) {
    return new CloudError('cloud-unauthorized', `The endpoint did not accept the access token${saying}`, { context })
  }
  if (status === 404 || (status === 400 && namesUnknownModel(reason))) {
    return new CloudError('cloud-model-missing', `The endpoint does not have this model${saying}`, { context })
  }
  if (status === 413) {
    return new CloudError('cloud-too-large', `The request is larger than the endpoint takes${saying}`, { context })
  }
  if (status >= 500)
    return new CloudError('cloud-failed', `The endpoint failed with status ${status}${saying}`, { context })
  if (status >= 400) {
    return new CloudError('cloud-refused', `The endpoint refused the request with status ${status}${saying}`, {
      context,
    })
  }
  return new CloudError('cloud-bad-response', `The endpoint answered with status ${status} instead of a result.`, {
    context,
  })
}

/** Triton before 24.x says so with status 400. */
const namesUnknownModel = (reason: string): boolean => /\bunknown model\b|\bmodel\b.* is not found/i.test(reason)

/**
 * A server's own words for what went wrong: `error` (the protocol), `detail` (FastAPI: text, or a list of problems),
 * `error.message` (OpenAI). Empty when the body is none of these.
 */
export function readReason(body: Uint8Array): string {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(body))
  } catch {
    return ''
  }
  if (typeof json !== 'object' || json === null) return ''
  const { error, detail } = json as { readonly error?: unknown; readonly detail?: unknown }
  return sentence(error) || sentence(detail)
}

function sentence(value: unknown): string {
  if (typeof value === 'string') return value.length > maxReason ? `${value.slice(0, maxReason - 1)}…` : value
  if (Array.isArray(value)) return sentence(value.map(sentence).filter(Boolean).join('; '))
  if (typeof value !== 'object' || value === null) return ''
  const { message, msg } = value as { readonly message?: unknown; readonly msg?: unknown }
  return typeof message === 'string' ? sentence(message) : typeof msg === 'string' ? sentence(msg) : ''
}

/** `Retry-After` in milliseconds from now: seconds, or an HTTP date. */
export function readRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000
  const date = /[a-z]/i.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}
