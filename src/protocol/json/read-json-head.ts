import { ValidationError } from '../../errors/validation-error.ts'
import { isJsonSpace, type JsonLimits, maxJsonDepth, scanJson } from './scan-json.ts'

export interface JsonHead {
  readonly json: Readonly<Record<string, unknown>>
  /** Where the JSON ends and binary tensors begin. */
  readonly endBytes: number
}

const malformed = (message: string, cause?: unknown) => new ValidationError('options-invalid', message, { cause })

const scanProblems = {
  'no-object': 'The body does not start with a JSON object.',
  'too-deep': `The JSON is nested more than ${maxJsonDepth} levels deep.`,
  cut: 'The JSON ends before its last brace.',
} as const

/**
 * Reads the JSON object that a body starts with.
 *
 * @param headBytes what `Inference-Header-Content-Length` says. Without it the end is found by matching braces: a
 *   browser can't read that header of another origin that does not expose it.
 * @param limits what the JSON may hold; looked at before it is parsed
 * @throws {ValidationError} `options-invalid`: it is no JSON object, is nested deeper than 100, holds more than the
 *   limits, has a `__proto__` key, or does not end where `headBytes` says
 */
export function readJsonHead(body: Uint8Array, headBytes?: number, limits?: JsonLimits): JsonHead {
  if (headBytes !== undefined && !(Number.isSafeInteger(headBytes) && headBytes > 0 && headBytes <= body.length)) {
    throw malformed(`Inference-Header-Content-Length does not fit a body of ${body.length} bytes.`)
  }
  const scan = scanJson(headBytes === undefined ? body : body.subarray(0, headBytes), limits)
  if (scan.status === 'too-much') throw malformed(`The JSON holds ${scan.what}; send tensors as binary data.`)
  if (scan.status !== 'whole') throw malformed(scanProblems[scan.status])
  for (let at = scan.endBytes; at < (headBytes ?? 0); at += 1) {
    if (!isJsonSpace(body[at])) {
      throw malformed('The JSON ends before the place that Inference-Header-Content-Length names.')
    }
  }
  const json = parse(body.subarray(0, scan.endBytes))
  refuseProtoKeys(json)
  return { json: json as Record<string, unknown>, endBytes: headBytes ?? scan.endBytes }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw malformed('The body is not valid JSON.', cause)
  }
}

/** Such a key is harmless until someone assigns it, so it never gets that far. */
function refuseProtoKeys(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object') refuseProtoKeys(item)
    return
  }
  if (Object.hasOwn(value, '__proto__')) throw malformed('The JSON has a key named __proto__.')
  for (const item of Object.values(value)) refuseProtoKeys(item)
}
