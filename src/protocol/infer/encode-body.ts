import type { TensorData, TensorMap } from '../../contracts/tensor.ts'
import { toJson } from '../../utils/to-json.ts'
import { toDatatype } from '../tensors/datatypes.ts'
import { toTensorBytes } from '../tensors/tensor-bytes.ts'
import { toTensorText } from '../tensors/tensor-json.ts'

const utf8 = new TextEncoder()

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
  const texts: Uint8Array[] = []
  const write = (text: string) => texts.push(utf8.encode(text))
  const opening = toJson({ ...head, [key]: [] })
  write(opening.slice(0, -2))
  Object.entries(tensors).forEach(([name, tensor], index) => {
    const base = { name, shape: tensor.dims, datatype: toDatatype(tensor.type) }
    const isBinary = typeof binary === 'boolean' ? binary : binary(name, tensor)
    if (index > 0) write(',')
    if (isBinary) {
      const bytes = toTensorBytes(tensor)
      chunks.push(bytes)
      write(toJson({ ...base, parameters: { binary_data_size: bytes.length } }))
      return
    }
    write(`${toJson(base).slice(0, -1)},"data":[`)
    for (const text of toTensorText(tensor)) write(text)
    write(']}')
  })
  write(opening.slice(-2))
  const json = join(texts)
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

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
