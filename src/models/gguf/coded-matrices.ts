import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { OnnxWeight } from '../onnx/write-onnx.ts'
import type { CodedBlocks, ExactCodes } from './blocks/block-format.ts'
import { type Matrix, type Slab, unpackRow } from './gguf-matrices.ts'
import { bytesOf } from './plain-matrices.ts'

/** How a matrix becomes codes of a few bits, for MatMulNBits. */
export interface Coding extends Omit<ExactCodes, 'code'> {
  /** The codes are the file's own numbers. */
  readonly isExact: boolean
  /** The codes of a row; `into` counts numbers. */
  codeRow(matrix: Matrix, slab: Slab, row: number, to: CodedBlocks, into: number): void
}

/** The file's own bits. */
const exactly = (exact: ExactCodes): Coding => ({
  ...exact,
  isExact: true,
  codeRow({ format, columns }, slab, row, to, into) {
    const at = slab.at(row)
    for (let block = 0; block < columns / format.elements; block += 1) {
      exact.code(slab.view, at + block * format.bytes, to, into + block * format.elements)
    }
  },
})

/** Codes each block of 32 of a row by itself. */
const rounding = (bits: 4 | 8, codeBlock: (numbers: Float32Array, to: CodedBlocks, into: number) => void): Coding => ({
  bits,
  block: 32,
  hasOffsets: bits === 4,
  isExact: false,
  codeRow(matrix, slab, row, to, into) {
    const numbers = new Float32Array(matrix.columns)
    unpackRow(matrix, slab, row, numbers)
    for (let at = 0; at < matrix.columns; at += 32) codeBlock(numbers.subarray(at, at + 32), to, into + at)
  },
})

/** 8 bits around 0, to the largest number of the block. */
const to8Bits = rounding(8, (numbers, { codes, scales }, into) => {
  const scale = numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0) / 127
  scales[into / 32] = scale
  numbers.forEach((number, index) => {
    codes[into + index] = scale === 0 ? 128 : 128 + Math.round(number / scale)
  })
})

/** 4 bits from the least to the largest number of the block. */
const to4Bits = rounding(4, (numbers, { codes, scales, offsets }, into) => {
  const least = numbers.reduce((most, number) => Math.min(most, number), 0)
  const scale = (numbers.reduce((most, number) => Math.max(most, number), 0) - least) / 15
  scales[into / 32] = scale
  offsets[into / 32] = least + 8 * scale
  numbers.forEach((number, index) => {
    const code = scale === 0 ? 8 : Math.min(15, Math.max(0, Math.round((number - least) / scale)))
    const at = (into + index) >> 1
    codes[at] = index % 2 === 0 ? code : (codes[at] ?? 0) | (code << 4)
  })
})

/**
 * The way of coding a matrix: its own bits where they may stay, else rounded.
 *
 * @param most bits that are wanted, where the file's own are more than these
 * @returns undefined where its rows can't be parted into blocks
 */
export function codingOf({ format, columns }: Matrix, most: 4 | 8): Coding | undefined {
  const { exact } = format
  if (exact !== undefined && exact.bits <= most) return exactly(exact)
  if (columns % 32 !== 0) return undefined
  return most === 4 ? to4Bits : to8Bits
}

/** Codes, scales and offsets of a matrix, each read by itself and a few rows at a time. */
function codedWeights(matrix: Matrix, { bits, block, hasOffsets, codeRow }: Coding) {
  const { name, rows, columns } = matrix
  const blocks = columns / block
  const codeBytes = (numbers: number) => (numbers * bits) / 8
  async function* slabs() {
    for await (const slab of matrix.slabs()) {
      const numbers = slab.rows * columns
      const coded = {
        codes: new Uint8Array(codeBytes(numbers)),
        scales: new Float32Array(numbers / block),
        offsets: new Float32Array(hasOffsets ? numbers / block : 0),
      }
      for (let row = 0; row < slab.rows; row += 1) codeRow(matrix, slab, row, coded, row * columns)
      yield { ...coded, slab }
    }
  }
  const part = (
    kind: 'codes' | 'scales',
    type: OnnxWeight['type'],
    dims: readonly number[],
    bytes: number,
  ): OnnxWeight => ({
    name: `${name}.${kind}`,
    type,
    dims,
    bytes,
    async *read() {
      for await (const coded of slabs()) yield bytesOf(coded[kind])
    },
  })
  const offsets: OnnxWeight = {
    name: `${name}.offsets`,
    type: 'float32',
    dims: [blocks, rows],
    bytes: blocks * rows * 4,
    async *read() {
      const turned = new Float32Array(blocks * rows)
      for await (const coded of slabs()) {
        coded.offsets.forEach((offset, at) => {
          turned[(at % blocks) * rows + coded.slab.first + Math.floor(at / blocks)] = offset
        })
      }
      yield bytesOf(turned)
    },
  }
  return {
    codes: part('codes', 'uint8', [rows, blocks, codeBytes(block)], codeBytes(rows * columns)),
    scales: part('scales', 'float32', [rows, blocks], rows * blocks * 4),
    offsets: hasOffsets ? offsets : undefined,
  }
}

/** Matrices as codes of a few bits, in blocks of a row. */
export function createCoded(graph: GraphBuilder) {
  const summed = new Map<string, string>()

  /** Sums of each block of `x` [batch, tokens, columns]: [batch, tokens, blocks]. */
  const sums = (x: string, blocks: number, block: number): string => {
    const known = summed.get(`${x} ${block}`)
    if (known !== undefined) return known
    const apart = graph.add('Reshape', [x, graph.ints([0, 0, blocks, block])])
    const sum = graph.add('ReduceSum', [apart, graph.ints([-1])], { keepdims: { int: 0 } })
    summed.set(`${x} ${block}`, sum)
    return sum
  }

  return {
    /** `x` [batch, tokens, columns] times a matrix: [batch, tokens, rows]. */
    times(matrix: Matrix, coding: Coding, x: string): string {
      const { rows, columns } = matrix
      const { codes, scales, offsets } = codedWeights(matrix, coding)
      const product = graph.add(
        'MatMulNBits',
        [x, graph.weight(codes), graph.weight(scales)],
        {
          K: { int: columns },
          N: { int: rows },
          bits: { int: coding.bits },
          block_size: { int: coding.block },
          // Computed in float32: with fewer bits the answer would be another one on each runtime.
          accuracy_level: { int: 1 },
        },
        'com.microsoft',
      )
      if (offsets === undefined) return product
      // Not as zero points of the product: with those, no runtime takes its fast way.
      const { block } = coding
      const rest = graph.add('MatMul', [sums(x, columns / block, block), graph.weight(offsets)])
      return graph.add('Add', [product, rest])
    },
    /** Rows of a matrix by their numbers `ids` [batch, tokens]. */
    rows(matrix: Matrix, coding: Coding, ids: string): string {
      const { block, bits } = coding
      const { codes, scales, offsets } = codedWeights(matrix, coding)
      const picked = (weight: OnnxWeight) => graph.add('Gather', [graph.weight(weight), ids])
      const perBlock = (values: string) => graph.add('Unsqueeze', [values, graph.ints([-1])])
      const bytes = graph.add('Cast', [picked(codes)], { to: { int: 1 } })
      const numbers = bits === 8 ? bytes : splitNibbles(bytes, matrix.columns / block, block, graph)
      const around = graph.add('Sub', [numbers, graph.float(bits === 8 ? 128 : 8)])
      const scaled = graph.add('Mul', [around, perBlock(picked(scales))])
      const flat = (values: string) => graph.add('Reshape', [values, graph.ints([0, 0, matrix.columns])])
      if (offsets === undefined) return flat(scaled)
      const columns = graph.add('Gather', [graph.weight(offsets), ids], { axis: { int: 1 } })
      const own = graph.add('Transpose', [columns], { perm: { ints: [1, 2, 0] } })
      return flat(graph.add('Add', [scaled, perBlock(own)]))
    },
  }
}

/** Bytes [batch, tokens, blocks, size / 2] as their halves, the low one first: [batch, tokens, blocks, size]. */
function splitNibbles(bytes: string, blocks: number, size: number, graph: GraphBuilder): string {
  const high = graph.add('Floor', [graph.add('Mul', [bytes, graph.float(1 / 16)])])
  const low = graph.add('Sub', [bytes, graph.add('Mul', [high, graph.float(16)])])
  const apart = [low, high].map((half) => graph.add('Unsqueeze', [half, graph.ints([-1])]))
  return graph.add('Reshape', [graph.add('Concat', apart, { axis: { int: -1 } }), graph.ints([0, 0, blocks, size])])
}
