import type { TensorData, TensorMap } from '../../contracts/tensor.ts'
import { toJson } from '../../utils/to-json.ts'
import { toDatatype } from '../tensors/datatypes.ts'
import { toTensorBytes } from '../tensors/tensor-bytes.ts'
import { toTensorJson } from '../tensors/tensor-json.ts'

/** A request's or an answer's body, ready to be sent. */
export interface EncodedBody {
  readonly body: Uint8Array<ArrayBuffer>
  /** Bytes of JSON in front of binary tensors, padding included; absent when all of the body is JSON. */
  readonly headBytes?: number
  readonly headers: Readonly<Record<string, string>>
}

/** Which tensors travel as binary data; false where the other side does not know them. */
export type BinaryChoice = boolean | ((name: string, tensor: TensorData) => boolean)

/** Binary tensors start at a multiple of this, so that the first one's elements can be used where they lie. */
const alignment = 8

interface WireTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly datatype: string
  readonly parameters?: { readonly binary_data_size: number }
  readonly data?: readonly (number | boolean | string)[]
}

/**
 * Writes a body: `head` with `tensors` under `key`, then the binary ones' bytes in the same order.
 *
 * @throws {ValidationError} a tensor's data does not fit its type and dimensions, or can't be carried in JSON
 */
export function encodeBody(
  head: Readonly<Record<string, unknown>>,
  key: 'inputs' | 'outputs',
  tensors: TensorMap,
  binary: BinaryChoice,
): EncodedBody {
  const chunks: Uint8Array[] = []
  const wire = Object.entries(tensors).map(([name, tensor]): WireTensor => {
    const base = { name, shape: tensor.dims, datatype: toDatatype(tensor.type) }
    const isBinary = typeof binary === 'boolean' ? binary : binary(name, tensor)
    if (!isBinary) return { ...base, data: toTensorJson(tensor) }
    const bytes = toTensorBytes(tensor)
    chunks.push(bytes)
    return { ...base, parameters: { binary_data_size: bytes.length } }
  })
  const json = new TextEncoder().encode(toJson({ ...head, [key]: wire }))
  if (chunks.length === 0) return { body: json, headers: { 'Content-Type': 'application/json' } }

  const headBytes = Math.ceil(json.length / alignment) * alignment
  const body = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, headBytes))
  // The spaces go in front of the last brace: so the brace itself says where the binary data starts.
  body.set(json.subarray(0, -1))
  body.fill(0x20, json.length - 1, headBytes - 1)
  body[headBytes - 1] = 0x7d
  let at = headBytes
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return {
    body,
    headBytes,
    headers: { 'Content-Type': 'application/octet-stream', 'Inference-Header-Content-Length': String(headBytes) },
  }
}
