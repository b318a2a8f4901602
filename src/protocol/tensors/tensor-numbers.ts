import type { NumericData, TensorData } from '../../contracts/tensor.ts'
import type { NumericType } from './datatypes.ts'
import { fromFloat16Bits, toFloat16Bits } from './float16.ts'
import { emptyData } from './zero-tensor.ts'

/**
 * A tensor's elements as JavaScript numbers, whatever its type: half precision is widened, 64-bit integers become the
 * nearest number. Other elements are not copied. Undefined for text.
 */
export function tensorNumbers({ type, data }: TensorData): Exclude<NumericData, BigArray> | undefined {
  if (!ArrayBuffer.isView(data)) return undefined
  // The contract's float16 is raw bits. A Float16Array, which a runtime may give, holds numbers.
  if (type === 'float16' && isBits(data)) return Float32Array.from(data as Uint16Array, fromFloat16Bits)
  return isBig(data) ? Float64Array.from(data, Number) : (data as Exclude<NumericData, BigArray>)
}

type BigArray = BigInt64Array | BigUint64Array

const isBig = (data: NumericData): data is BigArray => typeof data[0] === 'bigint'

const isBits = (data: NumericData): boolean => data[Symbol.toStringTag] === 'Uint16Array'

/** Elements of a type that stand for these numbers. An integer type takes whole numbers only. */
export function numericData(type: NumericType, numbers: ArrayLike<number>): NumericData {
  const data = emptyData(type, numbers.length) as NumericData
  for (let index = 0; index < numbers.length; index += 1) {
    const value = numbers[index] ?? 0
    if (isBig(data)) data[index] = BigInt(value)
    else data[index] = type === 'float16' ? toFloat16Bits(value) : value
  }
  return data
}

/** Can a type hold this number: exactly, or, for a type of fractions, rounded? */
export function holdsNumber(type: NumericType, value: number): boolean {
  if (!Number.isFinite(value)) return false
  if (type === 'bool') return value === 0 || value === 1
  const isFraction = type.startsWith('float')
  if (!isFraction && !Number.isInteger(value)) return false
  const held = tensorNumbers({ type, dims: [1], data: numericData(type, [value]) })?.[0] ?? Number.NaN
  return isFraction ? Number.isFinite(held) : held === value
}
