import { fromFloat16Bits } from '../../protocol/tensors/float16.ts'

/** How a tensor's numbers are packed: blocks of so many, in so many bytes. */
export interface BlockFormat {
  readonly name: string
  readonly elements: number
  readonly bytes: number
  /** The numbers of one block. */
  unpack(view: DataView, at: number, to: Float32Array, into: number): void
  /** The same as a scale, a zero point and 4 bits each, where that is what the block is: `(bits - zero) * scale`. */
  readonly asNibbles?: (
    view: DataView,
    at: number,
    to: { readonly bits: Uint8Array; readonly scales: Float32Array; readonly zeros: Float32Array },
    block: number,
  ) => void
}

/** A bfloat16 is the upper half of a float32. */
const bfloat = new DataView(new ArrayBuffer(4))

const half = (view: DataView, at: number) => fromFloat16Bits(view.getUint16(at, true))

/** The nibbles of 16 bytes: first the low ones of all, then the high ones. */
const nibbleAt = (view: DataView, at: number, index: number) =>
  index < 16 ? view.getUint8(at + index) & 15 : view.getUint8(at + index - 16) >> 4

/** ONNX Runtime has two neighbours in each byte, the first one low. */
function copyNibbles(view: DataView, at: number, bits: Uint8Array, block: number): void {
  for (let pair = 0; pair < 16; pair += 1) {
    bits[block * 16 + pair] = nibbleAt(view, at, 2 * pair) | (nibbleAt(view, at, 2 * pair + 1) << 4)
  }
}

const plain = (name: string, bytes: number, read: (view: DataView, at: number) => number): BlockFormat => ({
  name,
  elements: 1,
  bytes,
  unpack(view, at, to, into) {
    to[into] = read(view, at)
  },
})

/** 32 numbers in 4 bits each, counted from eight: a scale for all of them. */
const q4n0: BlockFormat = {
  name: 'Q4_0',
  elements: 32,
  bytes: 18,
  unpack(view, at, to, into) {
    const scale = half(view, at)
    for (let index = 0; index < 32; index += 1) to[into + index] = (nibbleAt(view, at + 2, index) - 8) * scale
  },
  asNibbles(view, at, { bits, scales, zeros }, block) {
    scales[block] = half(view, at)
    zeros[block] = 8
    copyNibbles(view, at + 2, bits, block)
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
  asNibbles(view, at, { bits, scales, zeros }, block) {
    const [scale, least] = [half(view, at), half(view, at + 2)]
    if (scale === 0) {
      // All of them are the least one: one step below nothing, of that size.
      scales[block] = least
      zeros[block] = -1
      bits.fill(0, block * 16, block * 16 + 16)
      return
    }
    scales[block] = scale
    zeros[block] = -least / scale
    copyNibbles(view, at + 4, bits, block)
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
}

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
}

/** 256 numbers in 6 bits each, in sixteen sub-blocks with scales of their own. */
const q6k: BlockFormat = {
  name: 'Q6_K',
  elements: 256,
  bytes: 210,
  unpack(view, at, to, into) {
    const scaleOfScales = half(view, at + 208)
    for (let index = 0; index < 256; index += 1) {
      const [part, within] = [index >> 7, index & 127]
      const [row, column] = [within >> 5, within & 31]
      const low = view.getUint8(at + 64 * part + 32 * (row & 1) + column)
      const high = view.getUint8(at + 128 + 32 * part + column)
      const bits = (row < 2 ? low & 15 : low >> 4) | (((high >> (2 * row)) & 3) << 4)
      const scale = view.getInt8(at + 192 + 8 * part + 2 * row + (column >> 4))
      to[into + index] = scaleOfScales * scale * (bits - 32)
    }
  },
}

/**
 * The formats that are read, by `ggml_type`.
 *
 * Source: https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h and `ggml-quants.c`
 */
export const blockFormats: ReadonlyMap<number, BlockFormat> = new Map([
  [0, plain('F32', 4, (view, at) => view.getFloat32(at, true))],
  [1, plain('F16', 2, half)],
  [2, q4n0],
  [3, q4n1],
  [8, q8n0],
  [12, q4k],
  [14, q6k],
  [
    30,
    plain('BF16', 2, (view, at) => {
      bfloat.setUint16(2, view.getUint16(at, true), true)
      return bfloat.getFloat32(0, true)
    }),
  ],
])
