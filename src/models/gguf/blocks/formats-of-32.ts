import { type BlockFormat, half } from './block-format.ts'

/** The nibbles of 16 bytes: first the low ones of all, then the high ones. */
const nibbleAt = (view: DataView, at: number, index: number) =>
  index < 16 ? view.getUint8(at + index) & 15 : view.getUint8(at + index - 16) >> 4

/** ggml has the 16 first numbers in the low halves, MatMulNBits two neighbours in each byte. */
function copyNibbles(view: DataView, at: number, codes: Uint8Array, into: number): void {
  for (let pair = 0; pair < 16; pair += 1) {
    codes[into / 2 + pair] = nibbleAt(view, at, 2 * pair) | (nibbleAt(view, at, 2 * pair + 1) << 4)
  }
}

/** 32 numbers in 4 bits each, counted from eight: a scale for all of them. */
const q4n0: BlockFormat = {
  name: 'Q4_0',
  elements: 32,
  bytes: 18,
  unpack(view, at, to, into) {
    const scale = half(view, at)
    for (let index = 0; index < 32; index += 1) to[into + index] = (nibbleAt(view, at + 2, index) - 8) * scale
  },
  exact: {
    bits: 4,
    block: 32,
    hasOffsets: false,
    code(view, at, { codes, scales }, into) {
      scales[into / 32] = half(view, at)
      copyNibbles(view, at + 2, codes, into)
    },
  },
}

/** 32 numbers in 4 bits each: a scale and a least one for all of them. */
const q4n1: BlockFormat = {
  name: 'Q4_1',
  elements: 32,
  bytes: 20,
  unpack(view, at, to, into) {
    const [scale, least] = [half(view, at), half(view, at + 2)]
    for (let index = 0; index < 32; index += 1) to[into + index] = nibbleAt(view, at + 4, index) * scale + least
  },
  exact: {
    bits: 4,
    block: 32,
    hasOffsets: true,
    code(view, at, { codes, scales, offsets }, into) {
      copyNibbles(view, at + 4, codes, into)
      scales[into / 32] = half(view, at)
      offsets[into / 32] = half(view, at + 2) + 8 * half(view, at)
    },
  },
}

const q8n0: BlockFormat = {
  name: 'Q8_0',
  elements: 32,
  bytes: 34,
  unpack(view, at, to, into) {
    const scale = half(view, at)
    for (let index = 0; index < 32; index += 1) to[into + index] = view.getInt8(at + 2 + index) * scale
  },
  exact: {
    bits: 8,
    block: 32,
    hasOffsets: false,
    code(view, at, { codes, scales }, into) {
      scales[into / 32] = half(view, at)
      for (let index = 0; index < 32; index += 1) codes[into + index] = view.getInt8(at + 2 + index) + 128
    },
  },
}

/** The fifth bits of 32 numbers lie together, before the nibbles of the four lower ones. */
const fiveBits = (view: DataView, at: number, index: number) =>
  nibbleAt(view, at + 4, index) | (((view.getUint32(at, true) >>> index) & 1) << 4)

/** 32 numbers in 5 bits each, counted from 16: a scale for all of them. */
const q5n0: BlockFormat = {
  name: 'Q5_0',
  elements: 32,
  bytes: 22,
  unpack(view, at, to, into) {
    const scale = half(view, at)
    for (let index = 0; index < 32; index += 1) to[into + index] = (fiveBits(view, at + 2, index) - 16) * scale
  },
  exact: {
    bits: 8,
    block: 32,
    hasOffsets: false,
    code(view, at, { codes, scales }, into) {
      scales[into / 32] = half(view, at)
      for (let index = 0; index < 32; index += 1) codes[into + index] = fiveBits(view, at + 2, index) + 112
    },
  },
}

/** 32 numbers in 5 bits each: a scale and a least one for all of them. */
const q5n1: BlockFormat = {
  name: 'Q5_1',
  elements: 32,
  bytes: 24,
  unpack(view, at, to, into) {
    const [scale, least] = [half(view, at), half(view, at + 2)]
    for (let index = 0; index < 32; index += 1) to[into + index] = fiveBits(view, at + 4, index) * scale + least
  },
}

/** The formats of 32 numbers, by `ggml_type`. */
export const formatsOf32: readonly (readonly [number, BlockFormat])[] = [
  [2, q4n0],
  [3, q4n1],
  [6, q5n0],
  [7, q5n1],
  [8, q8n0],
]
