import type { NumericData, TensorData, TensorType } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { toJson } from '../../utils/to-json.ts'
import { wellFormed } from '../../utils/well-formed.ts'
import { arrayKind, type NumericType } from './datatypes.ts'
import { elementCount } from './element-count.ts'
import { fromFloat16Bits, maxFloat16, toFloat16Bits } from './float16.ts'
import { checkTensor } from './tensor-bytes.ts'

/** Least and greatest value that JSON may carry, by type. 64-bit integers end where a JSON number stops being exact. */
const limits: Record<Exclude<NumericType, 'bool'>, readonly [number, number]> = {
  uint8: [0, 255],
  uint16: [0, 65_535],
  uint32: [0, 4_294_967_295],
  uint64: [0, Number.MAX_SAFE_INTEGER],
  int8: [-128, 127],
  int16: [-32_768, 32_767],
  int32: [-2_147_483_648, 2_147_483_647],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  float16: [-maxFloat16, maxFloat16],
  // Just below where rounding gives infinity: servers print the largest float32 in several ways.
  float32: [-3.4028235677973362e38, 3.4028235677973362e38],
  float64: [-Number.MAX_VALUE, Number.MAX_VALUE],
}

const stepElements = 8192

/**
 * A tensor's elements as the text of a flat JSON array without its brackets, in pieces: all at once a large tensor would
 * need many times its memory.
 *
 * @throws {ValidationError} `input-values` for what JSON can't carry: NaN, infinities, and integers beyond 2⁵³
 */
export function* toTensorText(tensor: TensorData): Generator<string> {
  checkTensor(tensor)
  const { type, dims, data } = tensor
  for (let from = 0; from < data.length; from += stepElements) {
    const until = from + stepElements
    const part = ArrayBuffer.isView(data) ? data.subarray(from, until) : data.slice(from, until)
    const text = toJson(toJsonElements({ type, dims, data: part })).slice(1, -1)
    yield from === 0 ? text : `,${text}`
  }
}

function toJsonElements({ type, data }: TensorData): (number | boolean | string)[] {
  if (!ArrayBuffer.isView(data)) return [...data]
  if (type === 'bool') return Array.from(data as Uint8Array, (value) => value !== 0)
  const read = type === 'float16' ? readFloat16(data) : (value: number | bigint) => Number(value)
  return Array.from(data as ArrayLike<number | bigint>, (element) => {
    const value = read(element)
    const safe = typeof element === 'bigint' ? Number.isSafeInteger(value) : Number.isFinite(value)
    if (safe) return value
    throw new ValidationError(
      'input-values',
      `A ${type} tensor holds a value that JSON can't carry (NaN, an infinity, or an integer beyond 2^53); ask for binary data.`,
    )
  })
}

/** A Float16Array's elements are numbers already, those of the contract's Uint16Array are bits. */
const readFloat16 = (data: NumericData): ((value: number | bigint) => number) =>
  data[Symbol.toStringTag] === 'Uint16Array' ? (bits) => fromFloat16Bits(Number(bits)) : Number

/**
 * The tensor that a JSON array holds, flat or nested.
 *
 * @throws {ValidationError} `input-shape` when it has not the elements that the dimensions say, `input-values` for an
 *   element that is not of the type or out of its range
 */
export function fromTensorJson(type: TensorType, dims: readonly number[], json: readonly unknown[]): TensorData {
  const count = elementCount(dims)
  if (count === undefined) throw new ValidationError('input-shape', `A shape of [${dims}] is not possible.`)
  const elements = flatten(json)
  if (elements.length !== count) {
    throw new ValidationError(
      'input-shape',
      `A tensor of shape [${dims}] has ${count} elements, and its data has ${elements.length}.`,
    )
  }
  if (type === 'string') {
    // In UTF-8 half a surrogate pair is U+FFFD, so it is that in JSON, too.
    if (elements.every((element) => typeof element === 'string')) return { type, dims, data: elements.map(wellFormed) }
    throw new ValidationError('input-values', 'A BYTES tensor in JSON may only hold strings.')
  }
  const data = new (arrayKind(type))(count)
  const write = writerOf(type, data)
  for (let index = 0; index < count; index += 1) {
    const element = elements[index]
    if (write(index, element)) continue
    // The parser has rounded it: what it shows is another number than the one that was sent.
    if (Number.isInteger(element) && !Number.isSafeInteger(element)) {
      throw new ValidationError(
        'input-values',
        `Element ${index} is a whole number beyond 2^53, which JSON does not carry exactly; send ${type} as binary data.`,
      )
    }
    const shown = String(JSON.stringify(element)).slice(0, 40)
    throw new ValidationError('input-values', `${shown} is no value of a ${type} tensor.`)
  }
  return { type, dims, data }
}

/** Writes one element; false when it is none of the type's values. */
function writerOf(type: NumericType, data: NumericData): (index: number, value: unknown) => boolean {
  if (type === 'bool') {
    return (index, value) => {
      data[index] = Number(value === true || value === 1)
      return typeof value === 'boolean' || value === 0 || value === 1
    }
  }
  const [least, greatest] = limits[type]
  const whole = !type.startsWith('float')
  const big = type === 'int64' || type === 'uint64'
  return (index, value) => {
    if (typeof value !== 'number' || !(value >= least && value <= greatest)) return false
    if (whole && !Number.isInteger(value)) return false
    if (big) (data as BigInt64Array)[index] = BigInt(value)
    else data[index] = type === 'float16' ? toFloat16Bits(value) : value
    return true
  }
}

/** @throws {ValidationError} `input-shape` for a ragged nesting */
function flatten(json: readonly unknown[]): readonly unknown[] {
  if (!json.some(Array.isArray)) return json
  const size = Array.isArray(json[0]) ? json[0].length : -1
  if (!json.every((item) => Array.isArray(item) && item.length === size)) {
    throw new ValidationError('input-shape', 'The nested arrays of the data are not all of one size.')
  }
  // One level off all of them at once: arrays of different depths meet at the next level and are refused there.
  return flatten((json as unknown[][]).flat())
}
