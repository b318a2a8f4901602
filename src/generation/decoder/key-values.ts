import type { InferenceSession, Tensor } from 'onnxruntime-common'
import { type DecoderShape, keyValueBytes } from './decoder-shape.ts'

/** The keys and values of the tokens that a decoder has read. Never changed: reading more gives new ones. */
export interface KeyValues {
  /** How many tokens they are of. */
  readonly length: number
  /** Places in `feeds`, of which the first `length` are filled. */
  readonly places: number
  readonly bytes: number
  /** The decoder's inputs that hold them, by name. */
  readonly feeds: Readonly<Record<string, Tensor>>
}

type TensorClass = new (
  type: 'float32' | 'float16',
  data: Float32Array | Uint16Array,
  dims: readonly number[],
) => Tensor

/** Names of the cache's parts: `0.key`, `0.value`, and so on. */
export const cacheParts = ({ layers }: DecoderShape): string[] =>
  Array.from({ length: layers }, (_, layer) => [`${layer}.key`, `${layer}.value`]).flat()

/** Of no token at all. */
export function noKeyValues(shape: DecoderShape, TensorClass: TensorClass): KeyValues {
  const { kvHeads, headSize, type } = shape
  const empty = () =>
    new TensorClass(type, type === 'float32' ? new Float32Array() : new Uint16Array(), [1, kvHeads, 0, headSize])
  return {
    length: 0,
    places: 0,
    bytes: 0,
    feeds: Object.fromEntries(cacheParts(shape).map((part) => [`past_key_values.${part}`, empty()])),
  }
}

/** Those that a run gave. */
export function presentKeyValues(shape: DecoderShape, outputs: InferenceSession.ReturnType): KeyValues {
  const feeds: Record<string, Tensor> = {}
  for (const part of cacheParts(shape)) {
    const tensor = outputs[`present.${part}`]
    if (tensor === undefined) throw new TypeError(`the decoder gave no "present.${part}"`)
    feeds[`past_key_values.${part}`] = tensor as Tensor
  }
  const length = Object.values(feeds)[0]?.dims[2] ?? 0
  return { length, places: length, bytes: keyValueBytes(shape, length), feeds }
}

/** Raw bits: where there is a Float16Array, the runtime gives one. */
const bitsOf = (data: Tensor['data']): Float32Array | Uint16Array => {
  if (data instanceof Float32Array) return data
  const view = data as unknown as Uint16Array
  return new Uint16Array(view.buffer, view.byteOffset, view.length)
}

/**
 * Those of the first `length` tokens: what a conversation that was edited, or an answer that is written anew, goes on
 * from. They are copied; the given ones stay.
 */
export function firstKeyValues(
  keyValues: KeyValues,
  length: number,
  shape: DecoderShape,
  TensorClass: TensorClass,
): KeyValues {
  if (length >= keyValues.length) return keyValues
  if (length <= 0) return noKeyValues(shape, TensorClass)
  const { kvHeads, headSize, type } = shape
  const cut = (tensor: Tensor) => {
    const data = bitsOf(tensor.data)
    const [from, to] = [keyValues.length * headSize, length * headSize]
    const kept = type === 'float32' ? new Float32Array(kvHeads * to) : new Uint16Array(kvHeads * to)
    for (let head = 0; head < kvHeads; head += 1) {
      kept.set(data.subarray(head * from, head * from + to), head * to)
    }
    return new TensorClass(type, kept, [1, kvHeads, length, headSize])
  }
  return {
    length,
    places: length,
    bytes: keyValueBytes(shape, length),
    feeds: Object.fromEntries(Object.entries(keyValues.feeds).map(([name, tensor]) => [name, cut(tensor)])),
  }
}
