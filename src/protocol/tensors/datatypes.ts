import type { NumericData, TensorType } from '../../contracts/tensor.ts'

/**
 * Element types by the Open Inference Protocol's names. Triton's `BF16` is left out: no runtime used here has it, and it
 * is read as FP32.
 *
 * Source: https://github.com/kserve/open-inference-protocol, inference_rest.md, "Tensor Data Types"
 */
const datatypeOf = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
} as const satisfies Record<TensorType, string>

export type Datatype = (typeof datatypeOf)[TensorType]

const typeOf: ReadonlyMap<string, TensorType> = new Map(
  Object.entries(datatypeOf).map(([type, datatype]) => [datatype, type as TensorType]),
)

export const toDatatype = (type: TensorType): Datatype => datatypeOf[type]

/** The element type of a datatype's name; undefined for a name that is none, and for `BF16`. */
export const fromDatatype = (datatype: string): TensorType | undefined => typeOf.get(datatype)

/** Element types of a fixed width: all but `string`. */
export type NumericType = Exclude<TensorType, 'string'>

interface ArrayKind {
  readonly BYTES_PER_ELEMENT: number
  new (length: number): NumericData
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericData
}

/** The array that holds a type's elements; its `BYTES_PER_ELEMENT` is the element's width. */
export const arrayOf = {
  bool: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
} as const satisfies Record<NumericType, ArrayKind>

/** The same table, for code that does not know which type it has. */
export const arrayKind = (type: NumericType): ArrayKind => arrayOf[type]
