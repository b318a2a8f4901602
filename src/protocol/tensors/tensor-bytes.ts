import type { NumericData, TensorData, TensorType } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { arrayKind, arrayOf } from './datatypes.ts'
import { elementCount } from './element-count.ts'

const utf8 = new TextEncoder()

/** The bytes of any typed array, not copied. */
const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/**
 * A tensor's elements as they travel: little-endian and row-major, as every processor that runs a browser has them in
 * memory, so numbers are not copied. `string` elements each become a 32-bit length and their UTF-8.
 *
 * @throws {ValidationError} `input-type` or `input-shape`: the data is not what the type and the dimensions say
 */
export function toTensorBytes(tensor: TensorData): Uint8Array {
  checkTensor(tensor)
  return ArrayBuffer.isView(tensor.data) ? bytesOf(tensor.data) : packStrings(tensor.data)
}

/**
 * The tensor that these bytes hold. Numbers stay where they are when their place suits their width, else they are
 * copied once.
 *
 * @throws {ValidationError} `input-shape` when the bytes are not as many as the dimensions say, `input-values` for
 *   text that is not UTF-8 and for a `bool` that is neither 0 nor 1
 */
export function fromTensorBytes(type: TensorType, dims: readonly number[], bytes: Uint8Array): TensorData {
  const count = elementCount(dims)
  if (count === undefined) throw new ValidationError('input-shape', `A shape of [${dims}] is not possible.`)
  if (type === 'string') return { type, dims, data: unpackStrings(bytes, count) }
  const array = arrayKind(type)
  if (bytes.length !== count * array.BYTES_PER_ELEMENT) {
    const expected = count * array.BYTES_PER_ELEMENT
    throw new ValidationError(
      'input-shape',
      `A ${type} tensor of shape [${dims}] has ${expected} bytes, not ${bytes.length}.`,
    )
  }
  if (type === 'bool' && bytes.some((byte) => byte > 1)) {
    throw new ValidationError('input-values', 'A bool tensor may only hold the bytes 0 and 1.')
  }
  // Not slice(): a Node Buffer's does not copy.
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes)
  return { type, dims, data: new array(aligned.buffer, aligned.byteOffset, count) }
}

/** @throws {ValidationError} `input-type` or `input-shape`: the data is not what the type and the dimensions say */
export function checkTensor({ type, dims, data }: TensorData): void {
  const count = elementCount(dims)
  if (count === undefined) throw new ValidationError('input-shape', `A shape of [${dims}] is not possible.`)
  if (!holds(type, data)) throw new ValidationError('input-type', `The data of a ${type} tensor is of another kind.`)
  if (data.length !== count) {
    throw new ValidationError(
      'input-shape',
      `A tensor of shape [${dims}] has ${count} elements, and ${data.length} were given.`,
    )
  }
}

function holds(type: TensorType, data: NumericData | readonly string[]): boolean {
  if (type === 'string') return Array.isArray(data)
  if (!ArrayBuffer.isView(data)) return false
  // Names, not classes: they also hold for arrays of another realm, and for classes that extend them. A Float16Array
  // holds the same bits as the contract's.
  const name: string = data[Symbol.toStringTag]
  return name === arrayOf[type].name || (type === 'float16' && name === 'Float16Array')
}

function packStrings(strings: readonly string[]): Uint8Array {
  const encoded = strings.map((string) => {
    if (typeof string !== 'string') throw new ValidationError('input-type', 'A string tensor may only hold strings.')
    return utf8.encode(string)
  })
  const packed = new Uint8Array(encoded.reduce((sum, { length }) => sum + 4 + length, 0))
  const view = new DataView(packed.buffer)
  let at = 0
  for (const text of encoded) {
    view.setUint32(at, text.length, true)
    packed.set(text, at + 4)
    at += 4 + text.length
  }
  return packed
}

function unpackStrings(bytes: Uint8Array, count: number): string[] {
  const misfit = () =>
    new ValidationError(
      'input-shape',
      `The bytes of a BYTES tensor do not hold ${count} strings, each with its length.`,
    )
  // Before anything is allocated: each string takes four bytes at least.
  if (count * 4 > bytes.length) throw misfit()
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const strings: string[] = []
  let at = 0
  for (let index = 0; index < count; index += 1) {
    if (at + 4 > bytes.length) throw misfit()
    const end = at + 4 + view.getUint32(at, true)
    if (end > bytes.length) throw misfit()
    try {
      strings.push(decoder.decode(bytes.subarray(at + 4, end)))
    } catch (cause) {
      throw new ValidationError('input-values', 'A string is not valid UTF-8.', { cause })
    }
    at = end
  }
  if (at !== bytes.length) throw misfit()
  return strings
}
