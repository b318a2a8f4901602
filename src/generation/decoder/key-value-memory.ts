import type { InferenceSession, Tensor } from 'onnxruntime-common'
import type { DecoderShape } from './decoder-shape.ts'
import { firstKeyValues, type KeyValues, noKeyValues, presentKeyValues } from './key-values.ts'

/**
 * Where keys and values lie between a decoder's runs. Who gets some owns them, and gives each up once: what lies on a
 * graphics processor is nobody's to collect.
 */
export interface KeyValueMemory {
  /** Of no token at all; nobody's to give up. */
  readonly start: KeyValues
  /**
   * Places for what a run will give, of so many tokens in all.
   *
   * @returns outputs by name, to hand to the run; undefined where the runtime makes its own
   */
  prepare(length: number): Readonly<Record<string, Tensor>> | undefined
  /**
   * What a run gave.
   *
   * @param prepared what was handed to it
   * @param before what it went on from
   * @param toCome tokens of the same prompt that are still to be read
   */
  take(
    outputs: InferenceSession.ReturnType,
    prepared: Readonly<Record<string, Tensor>> | undefined,
    before: KeyValues,
    toCome: number,
  ): KeyValues
  /** The run failed: what was prepared for it is free again. */
  discard(prepared: Readonly<Record<string, Tensor>> | undefined): void
  /** Those of the first `length` tokens; the given ones stay. */
  first(keyValues: KeyValues, length: number): KeyValues
  /** Gives up what was got. */
  release(keyValues: KeyValues): void
}

/** In ordinary memory, which is the collector's. */
export const createHostMemory = (shape: DecoderShape, TensorClass: typeof Tensor): KeyValueMemory => ({
  start: noKeyValues(shape, TensorClass),
  prepare: () => undefined,
  take: (outputs) => presentKeyValues(shape, outputs),
  discard() {},
  first: (keyValues, length) => firstKeyValues(keyValues, length, shape, TensorClass),
  release() {},
})
