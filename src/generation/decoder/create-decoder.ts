import type { InferenceSession, Tensor } from 'onnxruntime-common'
import { fromFloat16Bits } from '../../protocol/tensors/float16.ts'
import { type DecoderShape, readDecoderShape } from './decoder-shape.ts'
import { firstKeyValues, type KeyValues, noKeyValues, presentKeyValues } from './key-values.ts'

/** The part of a session of onnxruntime that a decoder uses; in the browser and in Node it is the same. */
export type DecoderSession = Pick<InferenceSession, 'inputMetadata' | 'inputNames' | 'outputNames' | 'run'>

/** What reading tokens gave. */
export interface Step {
  /** Of the token that follows the last one: as many as the vocabulary has. They may be changed. */
  readonly logits: Float32Array
  readonly keyValues: KeyValues
}

/** Reads tokens, and says what may follow. */
export interface Decoder {
  readonly shape: DecoderShape
  /** Before any token was read. */
  readonly start: KeyValues
  /**
   * Reads tokens after those that were read before.
   *
   * @param ids at least one
   * @throws as the session's `run` does
   */
  read(ids: readonly number[], before: KeyValues): Promise<Step>
  /** The keys and values of the first `length` tokens. */
  first(keyValues: KeyValues, length: number): KeyValues
}

/** The last token's logits, of all that a run gives: some graphs give those of each token. */
async function lastLogits(tensor: Tensor): Promise<Float32Array> {
  const vocabulary = tensor.dims.at(-1) ?? 0
  const data = await tensor.getData(true)
  if (data instanceof Float32Array) return data.slice(data.length - vocabulary)
  const bits = data as unknown as Uint16Array
  const words = new Uint16Array(bits.buffer, bits.byteOffset, bits.length)
  return Float32Array.from(words.subarray(words.length - vocabulary), fromFloat16Bits)
}

const int64 = (length: number, at: (index: number) => number) =>
  BigInt64Array.from({ length }, (_, index) => BigInt(at(index)))

/**
 * A decoder over a session of onnxruntime.
 *
 * @param TensorClass the runtime's own
 * @returns a sentence, where the graph has no form that is known
 */
export function createDecoder(session: DecoderSession, TensorClass: typeof Tensor): Decoder | string {
  const shape = readDecoderShape(session)
  if (typeof shape === 'string') return shape
  const start = noKeyValues(shape, TensorClass)
  const tensorOf = (data: BigInt64Array) => new TensorClass('int64', data, [1, data.length])

  return {
    shape,
    start,
    async read(ids, before) {
      const length = before.length + ids.length
      const outputs = await session.run({
        ...before.feeds,
        input_ids: tensorOf(int64(ids.length, (index) => ids[index] ?? 0)),
        ...(shape.takesMask ? { attention_mask: tensorOf(int64(length, () => 1)) } : {}),
        ...(shape.takesPositions
          ? { position_ids: tensorOf(int64(ids.length, (index) => before.length + index)) }
          : {}),
      })
      const { logits } = outputs
      if (logits === undefined) throw new TypeError('the decoder gave no "logits"')
      return { logits: await lastLogits(logits as Tensor), keyValues: presentKeyValues(shape, outputs) }
    },
    first: (keyValues, wanted) => firstKeyValues(keyValues, wanted, shape, TensorClass),
  }
}
