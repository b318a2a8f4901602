import * as v from 'valibot'
import type { SendRequest } from '../cloud/cloud-request.ts'
import { type Acknowledgement, acknowledgementSchema, type Batch, reportsPath } from '../contracts/report.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { toJson } from '../utils/to-json.ts'

/** What the endpoint made of a batch. */
export type SendOutcome =
  | { readonly kind: 'acknowledged'; readonly acknowledgement: Acknowledgement }
  /** Something in the batch, or its size, is at fault: sent in smaller parts, the rest may pass. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nothing is wrong with the batch: try it again later, not before `retryAfterMs` where the endpoint said so. */
  | { readonly kind: 'later'; readonly code: string; readonly retryAfterMs?: number | undefined }
  /** This endpoint takes no reports. */
  | { readonly kind: 'unwanted' }

/** A smaller body is not worth the work of compressing it. */
const gzipFromBytes = 1_000
const answerLimitBytes = 256 * 1024

/** Statuses that say: not like this, whenever it is sent. */
const refusing: ReadonlySet<unknown> = new Set([400, 413, 415, 422])
const unwanting: ReadonlySet<unknown> = new Set([404, 405, 410, 501])

/** Sends one batch. Never rejects but for an abort. */
export async function sendReports(send: SendRequest, batch: Batch, signal: AbortSignal): Promise<SendOutcome> {
  try {
    const { body, encoding } = await toBody(toJson(batch))
    const answer = await send({
      path: reportsPath,
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...encoding },
      body,
      limitBytes: answerLimitBytes,
      signal,
    })
    return { kind: 'acknowledged', acknowledgement: parseAcknowledgement(answer.body) }
  } catch (error) {
    signal.throwIfAborted()
    if (!isHitherError(error)) return { kind: 'later', code: 'cloud-failed' }
    const { status, retryAfterMs, reason } = error.context
    if (unwanting.has(status)) return { kind: 'unwanted' }
    if (refusing.has(status)) return { kind: 'refused', reason: typeof reason === 'string' ? reason : `${status}` }
    return {
      kind: 'later',
      code: error.code,
      retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
    }
  }
}

/** A page that answers 200 to everything, such as a captive portal's, acknowledges nothing. */
function parseAcknowledgement(body: Uint8Array): Acknowledgement {
  try {
    return v.parse(acknowledgementSchema, JSON.parse(new TextDecoder().decode(body)))
  } catch (cause) {
    throw new CloudError('cloud-bad-response', 'The endpoint did not say which reports it took.', { cause })
  }
}

async function toBody(
  json: string,
): Promise<{ readonly body: Uint8Array<ArrayBuffer>; readonly encoding: Readonly<Record<string, string>> }> {
  const plain = new TextEncoder().encode(json)
  if (plain.length < gzipFromBytes || typeof CompressionStream !== 'function') return { body: plain, encoding: {} }
  const packed = new Blob([plain]).stream().pipeThrough(new CompressionStream('gzip'))
  return {
    body: new Uint8Array(await new Response(packed).arrayBuffer()),
    encoding: { 'Content-Encoding': 'gzip' },
  }
}
