import type { NumericData, TensorData } from '../../contracts/tensor.ts'

const arrays = {
  bool: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
} as const

/** Elements of a type, all zero or empty. */
export function emptyData(type: TensorData['type'], length: number): NumericData | string[] {
  if (type === 'string') return new Array<string>(length).fill('')
  if (type === 'int64') return new BigInt64Array(length)
  if (type === 'uint64') return new BigUint64Array(length)
  return new arrays[type](length)
}

export const zeroTensor = (type: TensorData['type'], dims: readonly number[]): TensorData => ({
  type,
  dims,
  data: emptyData(
    type,
    dims.reduce((a, b) => a * b, 1),
  ),
})
