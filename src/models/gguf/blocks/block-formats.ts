import { type BlockFormat, half } from './block-format.ts'
import { formatsOf32 } from './formats-of-32.ts'
import { formatsOf256 } from './formats-of-256.ts'

/** A bfloat16 is the upper half of a float32. */
const bfloat = new DataView(new ArrayBuffer(4))

const plain = (name: string, bytes: number, read: (view: DataView, at: number) => number): BlockFormat => ({
  name,
  elements: 1,
  bytes,
  unpack(view, at, to, into) {
    to[into] = read(view, at)
  },
})

/**
 * The formats that are read, by `ggml_type`.
 *
 * Source: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h and `ggml-quants.c`
 */
export const blockFormats: ReadonlyMap<number, BlockFormat> = new Map([
  [0, plain('F32', 4, (view, at) => view.getFloat32(at, true))],
  [1, plain('F16', 2, half)],
  ...formatsOf32,
  ...formatsOf256,
  [
    30,
    plain('BF16', 2, (view, at) => {
      bfloat.setUint16(2, view.getUint16(at, true), true)
      return bfloat.getFloat32(0, true)
    }),
  ],
])

/** Names of the other formats, for a sentence about them. */
const otherFormats: Readonly<Record<number, string>> = {
  9: 'Q8_1',
  10: 'Q2_K',
  11: 'Q3_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  29: 'IQ1_M',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
}

/** What a `ggml_type` is called. */
export const formatName = (type: number): string =>
  blockFormats.get(type)?.name ?? otherFormats[type] ?? `number ${type}`
