import { fromFloat16Bits, toFloat16Bits } from '../protocol/tensors/float16.ts'

/**
 * Random blocks of ggml's formats, and their numbers: read here in the order in which ggml's own reference reads them
 * (`dequantize_row_*` of ggml-quants.c), so that nothing is shared with what is tested.
 */
export interface TestFormat {
  readonly name: string
  readonly type: number
  readonly elements: number
  readonly bytes: number
  /** Random contents of one block, whose numbers are about 0.06. */
  fill(block: DataView, random: () => number): void
  read(block: DataView): number[]
}

const half = (view: DataView, at: number) => fromFloat16Bits(view.getUint16(at, true))
const setHalf = (view: DataView, at: number, value: number) => view.setUint16(at, toFloat16Bits(value), true)
const fillBytes = (view: DataView, from: number, to: number, random: () => number) => {
  for (let at = from; at < to; at += 1) view.setUint8(at, Math.floor(random() * 256))
}
/** A loop, for these make a million numbers a test. */
function count(length: number, make: (index: number) => number): number[] {
  const made: number[] = []
  for (let index = 0; index < length; index += 1) made.push(make(index))
  return made
}
const around = (value: number, random: () => number) => value * (0.5 + random())

/** Numbers by themselves; 32 count as a block here, for a view of each number would take most of a test's time. */
const plain = (
  name: string,
  type: number,
  bytes: number,
  set: (view: DataView, at: number, value: number) => void,
  get: (view: DataView, at: number) => number,
): TestFormat => ({
  name,
  type,
  elements: 32,
  bytes: 32 * bytes,
  fill(block, random) {
    for (let at = 0; at < 32 * bytes; at += bytes) set(block, at, (random() - 0.5) * 0.2)
  },
  read: (block) => count(32, (index) => get(block, index * bytes)),
})

/** Blocks of a half-precision scale, perhaps a least number, and codes. */
const simple = (
  name: string,
  type: number,
  bytes: number,
  scale: number,
  least: number | undefined,
  read: (view: DataView) => number[],
): TestFormat => ({
  name,
  type,
  elements: 32,
  bytes,
  fill(block, random) {
    fillBytes(block, 0, bytes, random)
    setHalf(block, 0, around(scale, random))
    if (least !== undefined) setHalf(block, 2, -around(least, random))
  },
  read,
})

function nibbles(view: DataView, at: number): number[] {
  const low = count(16, (index) => view.getUint8(at + index) & 0x0f)
  const high = count(16, (index) => view.getUint8(at + index) >> 4)
  return [...low, ...high]
}

const fifths = (view: DataView, bitsAt: number, at: number) =>
  nibbles(view, at).map((code, index) => code + (Math.floor(view.getUint32(bitsAt, true) / 2 ** index) % 2) * 16)

/** `get_scale_min_k4` */
function scaleMin(index: number, view: DataView, at: number): [number, number] {
  const q = (place: number) => view.getUint8(at + place)
  if (index < 4) return [q(index) & 63, q(index + 4) & 63]
  return [(q(index + 4) & 0xf) + (q(index - 4) >> 6) * 16, (q(index + 4) >> 4) + (q(index) >> 6) * 16]
}

function superBlock(view: DataView, codesAt: number, fifthsAt: number | undefined): number[] {
  const [d, min] = [half(view, 0), half(view, 2)]
  const numbers: number[] = []
  for (let pair = 0; pair < 4; pair += 1) {
    const [scale1, min1] = scaleMin(2 * pair, view, 4)
    const [scale2, min2] = scaleMin(2 * pair + 1, view, 4)
    const at = codesAt + 32 * pair
    const fifth = (index: number, bit: number) =>
      fifthsAt !== undefined && (view.getUint8(fifthsAt + index) & (1 << bit)) !== 0 ? 16 : 0
    numbers.push(...count(32, (i) => d * scale1 * ((view.getUint8(at + i) & 0xf) + fifth(i, 2 * pair)) - min * min1))
    numbers.push(...count(32, (i) => d * scale2 * ((view.getUint8(at + i) >> 4) + fifth(i, 2 * pair + 1)) - min * min2))
  }
  return numbers
}

const superFormat = (
  name: string,
  type: number,
  bytes: number,
  scale: number,
  read: (view: DataView) => number[],
): TestFormat => ({
  name,
  type,
  elements: 256,
  bytes,
  fill(block, random) {
    fillBytes(block, 0, bytes, random)
    setHalf(block, 0, around(scale, random))
    setHalf(block, 2, around(0.003, random))
  },
  read,
})

function sixBits(view: DataView): number[] {
  const d = half(view, 208)
  const numbers = new Array<number>(256).fill(0)
  for (let part = 0; part < 2; part += 1) {
    const [ql, qh, sc] = [64 * part, 128 + 32 * part, 192 + 8 * part]
    for (let l = 0; l < 32; l += 1) {
      const is = l >> 4
      const high = view.getUint8(qh + l)
      const [first, second] = [view.getUint8(ql + l), view.getUint8(ql + l + 32)]
      const codes = [
        (first & 0xf) | ((high & 3) << 4),
        (second & 0xf) | (((high >> 2) & 3) << 4),
        (first >> 4) | (((high >> 4) & 3) << 4),
        (second >> 4) | (((high >> 6) & 3) << 4),
      ]
      codes.forEach((code, row) => {
        numbers[128 * part + 32 * row + l] = d * view.getInt8(sc + is + 2 * row) * (code - 32)
      })
    }
  }
  return numbers
}

const scratch = new DataView(new ArrayBuffer(4))

export const testFormats: readonly TestFormat[] = [
  plain(
    'F32',
    0,
    4,
    (view, at, value) => view.setFloat32(at, value, true),
    (view, at) => view.getFloat32(at, true),
  ),
  plain('F16', 1, 2, setHalf, half),
  plain(
    'BF16',
    30,
    2,
    (view, at, value) => {
      scratch.setFloat32(0, value)
      view.setUint16(at, scratch.getUint16(0), true)
    },
    (view, at) => {
      scratch.setUint32(0, view.getUint16(at, true) << 16)
      return scratch.getFloat32(0)
    },
  ),
  simple('Q8_0', 8, 34, 0.0008, undefined, (view) => count(32, (index) => half(view, 0) * view.getInt8(2 + index))),
  simple('Q4_0', 2, 18, 0.013, undefined, (view) => nibbles(view, 2).map((code) => (code - 8) * half(view, 0))),
  simple('Q4_1', 3, 20, 0.013, 0.1, (view) => nibbles(view, 4).map((code) => code * half(view, 0) + half(view, 2))),
  simple('Q5_0', 6, 22, 0.0065, undefined, (view) => fifths(view, 2, 6).map((code) => (code - 16) * half(view, 0))),
  simple('Q5_1', 7, 24, 0.0065, 0.1, (view) => fifths(view, 4, 8).map((code) => code * half(view, 0) + half(view, 2))),
  superFormat('Q4_K', 12, 144, 0.0004, (view) => superBlock(view, 16, undefined)),
  superFormat('Q5_K', 13, 176, 0.0002, (view) => superBlock(view, 48, 16)),
  {
    name: 'Q6_K',
    type: 14,
    elements: 256,
    bytes: 210,
    fill(block, random) {
      fillBytes(block, 0, 210, random)
      setHalf(block, 208, around(0.00005, random))
    },
    read: sixBits,
  },
]
