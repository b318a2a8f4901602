import * as v from 'valibot'
import { object } from './object-schemas.ts'

/** The element types a tensor may have, by onnxruntime's names. `float16` data is a `Uint16Array` of raw bits; `bool` is a `Uint8Array` of 0 and 1. */
export const tensorTypes = [
  'bool',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'int8',
  'int16',
  'int32',
  'int64',
  'float16',
  'float32',
  'float64',
  'string',
] as const

export type TensorType = (typeof tensorTypes)[number]

/** The numeric arrays a tensor's elements may lie in. */
export type NumericData =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array

/**
 * A tensor as it crosses a thread or a wire: row-major elements and their dimensions.
 * onnxruntime-common's `Tensor` has this shape, so one can be given wherever this is asked for.
 */
export interface TensorData {
  readonly type: TensorType
  readonly dims: readonly number[]
  readonly data: NumericData | readonly string[]
}

/** Tensors by input or output name. */
export type TensorMap = Readonly<Record<string, TensorData>>

/**
 * What a model takes or gives: `-1` in `shape` is a dimension that may be any size. Without a shape, there may also be
 * any number of dimensions.
 */
export interface TensorSpec {
  readonly name: string
  readonly type: TensorType
  readonly shape?: readonly number[] | undefined
}

const tensorTypeSchema = v.picklist(tensorTypes)

export const tensorSpecSchema = object({
  name: v.pipe(v.string(), v.minLength(1)),
  type: tensorTypeSchema,
  shape: v.optional(v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(-1)))),
})

/** A tensor written in JSON: a canary's inputs and outputs. */
export const tensorLiteralSchema = object({
  name: v.pipe(v.string(), v.minLength(1)),
  type: tensorTypeSchema,
  shape: v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  data: v.array(v.number()),
})

export type TensorLiteral = v.InferOutput<typeof tensorLiteralSchema>
