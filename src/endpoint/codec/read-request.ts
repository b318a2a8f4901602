import type { TensorSpec } from '../../contracts/tensor.ts'
import { type InferRequest, parseInferRequest } from '../../protocol/infer/infer-request.ts'
import { parseRawRequest } from '../../protocol/infer/raw-request.ts'
import { scanJson } from '../../protocol/json/scan-json.ts'

/** A request's body, and what is needed to read it. */
export interface RequestToRead {
  readonly body: Uint8Array<ArrayBuffer>
  /** What `Inference-Header-Content-Length` says; 0 for a body that is one tensor's bytes alone. */
  readonly headBytes: number | undefined
  /** The model's inputs, for such a body. */
  readonly specs: readonly TensorSpec[]
}

/** @throws {ValidationError} with a sentence that says what does not fit */
export const readRequest = ({ body, headBytes, specs }: RequestToRead): InferRequest =>
  headBytes === 0 ? parseRawRequest(body, specs) : parseInferRequest(body, headBytes)

/** Bytes of JSON that are read in a few milliseconds, and of numbers that are copied in a few. */
const light = { json: 128 * 1024, copied: 4 * 2 ** 20 }

/** Is a body read in no time? Numbers in binary data are used where they lie; texts and flags are looked at one by one. */
export function isLightRequest({ body, headBytes, specs }: RequestToRead): boolean {
  if (body.length <= light.json) return true
  if (headBytes === 0) return specs.every(({ type }) => type !== 'string' && type !== 'bool')
  return isLightBody(body, headBytes)
}

/**
 * Is a body, of a request or an answer, read in no time?
 *
 * @param headBytes of its JSON, where that is said
 */
export function isLightBody(body: Uint8Array<ArrayBuffer>, headBytes?: number): boolean {
  if (body.length <= light.json) return true
  if (headBytes !== undefined && headBytes > light.json) return false
  const scan = scanJson(body.subarray(0, headBytes ?? light.json))
  if (scan.status !== 'whole') return scan.status !== 'cut'
  const head = Buffer.from(body.buffer, body.byteOffset, scan.endBytes).toString('latin1')
  // What follows the JSON without being said to is white space, if it is allowed at all.
  if (!head.includes('binary_data_size') || /"(BOOL|BYTES|BF16)"|\\u/.test(head)) return false
  return body.length <= light.copied || isAligned(head, body.byteOffset + (headBytes ?? scan.endBytes))
}

/** Does each tensor begin where its elements can be used in place, whatever their width? */
function isAligned(head: string, start: number): boolean {
  const sizes = [...head.matchAll(/"binary_data_size"\s*:\s*(\d+)/g)].map(([, size]) => Number(size))
  return start % 8 === 0 && sizes.slice(0, -1).every((size) => size % 8 === 0)
}
