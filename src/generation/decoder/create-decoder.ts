import type { InferenceSession, Tensor } from 'onnxruntime-common'
import { fromFloat16Bits } from '../../protocol/tensors/float16.ts'
import { type DecoderShape, readDecoderShape } from './decoder-shape.ts'
import { createHostMemory, type KeyValueMemory } from './key-value-memory.ts'
import type { KeyValues } from './key-values.ts'
import { createPlaceMemory } from './place-memory.ts'

/** The part of a session of onnxruntime that a decoder uses; in the browser and in Node it is the same. */
export type DecoderSession = Pick<InferenceSession, 'inputMetadata' | 'inputNames' | 'outputNames' | 'run'>

/** What reading tokens gave. */
export interface Step {
  /** Of the token that follows the last one: as many as the vocabulary has. They may be changed. Empty where more tokens follow. */
  readonly logits: Float32Array
  readonly keyValues: KeyValues
}

/** Reads tokens, and says what may follow. */
export interface Decoder {
  readonly shape: DecoderShape
  /** Before any token was read; not to be given up. */
  readonly start: KeyValues
  /**
   * Reads tokens after those that were read before, which stay the caller's.
   *
   * @param ids at least one
   * @param toCome tokens that follow for certain, as the rest of a prompt. With some, no logits are given, and much of the
   *   last layer need not be computed. Default: 0
   * @throws as the session's `run` does
   */
  read(ids: readonly number[], before: KeyValues, toCome?: number): Promise<Step>
  /** The keys and values of the first `length` tokens, the caller's from now on; the given ones stay. */
  first(keyValues: KeyValues, length: number): KeyValues
  /** Gives up keys and values that were read or taken: each once. */
  release(keyValues: KeyValues): void
  /** Nobody goes on from these for now: they need not lie where runs are quick. Absent: it makes no difference. */
  settle?: (keyValues: KeyValues) => void
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

/** 1 where there is a token: empty places of the cache have none. */
function maskOf({ length, places }: KeyValues, tokens: number): BigInt64Array {
  const mask = new BigInt64Array(places + tokens)
  return mask.fill(1n, 0, length).fill(1n, places)
}

const int64 = (length: number, at: (index: number) => number) =>
  BigInt64Array.from({ length }, (_, index) => BigInt(at(index)))

/**
 * A decoder over a session of onnxruntime.
 *
 * @param TensorClass the runtime's own
 * @param gpuMemory where a session on a graphics processor has its keys and values: they stay there
 * @param placeMemory where they are of a graph that gives new ones alone
 * @returns a sentence, where the graph has no form that is known
 */
export function createDecoder(
  session: DecoderSession,
  TensorClass: typeof Tensor,
  gpuMemory?: ((shape: DecoderShape) => KeyValueMemory) | undefined,
  placeMemory: (shape: DecoderShape, TensorClass: typeof Tensor) => KeyValueMemory = createPlaceMemory,
): Decoder | string {
  const shape = readDecoderShape(session)
  if (typeof shape === 'string') return shape
  const memory =
    shape.gives === 'new'
      ? placeMemory(shape, TensorClass)
      : (gpuMemory?.(shape) ?? createHostMemory(shape, TensorClass))
  const tensorOf = (data: BigInt64Array) => new TensorClass('int64', data, [1, data.length])
  const logitRows = (isWanted: boolean) =>
    new TensorClass('int64', new BigInt64Array(isWanted ? 1 : 0), [isWanted ? 1 : 0])

  return {
    shape,
    start: memory.start,
    async read(ids, before, toCome = 0) {
      const wantsLogits = toCome === 0
      const length = before.length + ids.length
      const feeds = {
        ...before.feeds,
        input_ids: tensorOf(int64(ids.length, (index) => ids[index] ?? 0)),
        ...(shape.takesMask ? { attention_mask: tensorOf(maskOf(before, ids.length)) } : {}),
        ...(shape.takesPositions
          ? { position_ids: tensorOf(int64(ids.length, (index) => before.length + index)) }
          : {}),
        ...(shape.takesLogitRows ? { logit_rows: logitRows(wantsLogits) } : {}),
      }
      const prepared = memory.prepare(length)
      try {
        const outputs = await (prepared === undefined
          ? session.run(feeds)
          : session.run(feeds, { logits: null, ...prepared }))
        const { logits } = outputs
        if (logits === undefined) throw new TypeError('the decoder gave no "logits"')
        const last = wantsLogits ? await lastLogits(logits as Tensor) : new Float32Array()
        if (!wantsLogits) logits.dispose()
        return { logits: last, keyValues: memory.take(outputs, prepared, before, toCome) }
      } catch (error) {
        memory.discard(prepared)
        throw error
      }
    },
    first: memory.first,
    release: memory.release,
  }
}
