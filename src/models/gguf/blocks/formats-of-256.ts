import { type BlockFormat, half } from './block-format.ts'

/** The six bits of a sub-block's scale and least one, of the twelve bytes that eight of them share. */
function scaleAndLeast(view: DataView, at: number, index: number): readonly [number, number] {
  const byte = (place: number) => view.getUint8(at + place)
  if (index < 4) return [byte(index) & 63, byte(index + 4) & 63]
  return [(byte(index + 4) & 15) | ((byte(index - 4) >> 6) << 4), (byte(index + 4) >> 4) | ((byte(index) >> 6) << 4)]
}

/** 256 numbers in 4 bits each, in eight sub-blocks with scales of their own. */
const q4k: BlockFormat = {
  name: 'Q4_K',
  elements: 256,
  bytes: 144,
  unpack(view, at, to, into) {
    const [scaleOfScales, scaleOfLeasts] = [half(view, at), half(view, at + 2)]
    for (let sub = 0; sub < 8; sub += 1) {
      const [scale, least] = scaleAndLeast(view, at + 4, sub)
      const bytesAt = at + 16 + 32 * (sub >> 1)
      for (let index = 0; index < 32; index += 1) {
        const byte = view.getUint8(bytesAt + index)
        const bits = sub % 2 === 0 ? byte & 15 : byte >> 4
        to[into + 32 * sub + index] = scaleOfScales * scale * bits - scaleOfLeasts * least
      }
    }
  },
  exact: {
    bits: 4,
    block: 32,
    hasOffsets: true,
    code(view, at, { codes, scales, offsets }, into) {
      const [scaleOfScales, scaleOfLeasts] = [half(view, at), half(view, at + 2)]
      for (let sub = 0; sub < 8; sub += 1) {
        const [scale, least] = scaleAndLeast(view, at + 4, sub)
        const bytesAt = at + 16 + 32 * (sub >> 1)
        const first = into + 32 * sub
        for (let pair = 0; pair < 16; pair += 1) {
          const [low, high] = [view.getUint8(bytesAt + 2 * pair), view.getUint8(bytesAt + 2 * pair + 1)]
          codes[first / 2 + pair] = sub % 2 === 0 ? (low & 15) | ((high & 15) << 4) : (low >> 4) | (high & 240)
        }
        scales[first / 32] = scaleOfScales * scale
        offsets[first / 32] = 8 * scaleOfScales * scale - scaleOfLeasts * least
      }
    },
  },
}

/** The code of a number of Q6_K, counted from 32, and where its sub-block's scale stands. */
function sixBits(view: DataView, at: number, index: number): readonly [code: number, scaleAt: number] {
  const [part, within] = [index >> 7, index & 127]
  const [row, column] = [within >> 5, within & 31]
  const low = view.getUint8(at + 64 * part + 32 * (row & 1) + column)
  const high = view.getUint8(at + 128 + 32 * part + column)
  const code = (row < 2 ? low & 15 : low >> 4) | (((high >> (2 * row)) & 3) << 4)
  return [code - 32, at + 192 + 8 * part + 2 * row + (column >> 4)]
}

/** 256 numbers in 6 bits each, in sixteen sub-blocks with scales of their own. */
const q6k: BlockFormat = {
  name: 'Q6_K',
  elements: 256,
  bytes: 210,
  unpack(view, at, to, into) {
    const scaleOfScales = half(view, at + 208)
    for (let index = 0; index < 256; index += 1) {
      const [code, scaleAt] = sixBits(view, at, index)
      to[into + index] = scaleOfScales * view.getInt8(scaleAt) * code
    }
  },
  exact: {
    bits: 8,
    block: 16,
    hasOffsets: false,
    code(view, at, { codes, scales }, into) {
      const scaleOfScales = half(view, at + 208)
      for (let index = 0; index < 256; index += 1) {
        const [code, scaleAt] = sixBits(view, at, index)
        codes[into + index] = code + 128
        scales[(into + index) >> 4] = scaleOfScales * view.getInt8(scaleAt)
      }
    },
  },
}

/** 256 numbers in 5 bits each, in eight sub-blocks with scales of their own. */
const q5k: BlockFormat = {
  name: 'Q5_K',
  elements: 256,
  bytes: 176,
  unpack(view, at, to, into) {
    const [scaleOfScales, scaleOfLeasts] = [half(view, at), half(view, at + 2)]
    for (let sub = 0; sub < 8; sub += 1) {
      const [scale, least] = scaleAndLeast(view, at + 4, sub)
      for (let index = 0; index < 32; index += 1) {
        const byte = view.getUint8(at + 48 + 32 * (sub >> 1) + index)
        const fifth = ((view.getUint8(at + 16 + index) >> sub) & 1) << 4
        const code = (sub % 2 === 0 ? byte & 15 : byte >> 4) | fifth
        to[into + 32 * sub + index] = scaleOfScales * scale * code - scaleOfLeasts * least
      }
    }
  },
}

/** The formats of 256 numbers, by `ggml_type`. */
export const formatsOf256: readonly (readonly [number, BlockFormat])[] = [
  [12, q4k],
  [13, q5k],
  [14, q6k],
]
