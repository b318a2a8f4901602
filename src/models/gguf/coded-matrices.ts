import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { OnnxWeight } from '../onnx/write-onnx.ts'
import type { CodedBlocks, ExactCodes } from './block-format.ts'
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
  hasZeros: bits === 4,
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
const to4Bits = rounding(4, (numbers, { codes, scales, zeros }, into) => {
  const least = Math.min(0, ...numbers)
  const scale = (Math.max(0, ...numbers) - least) / 15
  scales[into / 32] = scale
  zeros[into / 32] = scale === 0 ? 0 : -least / scale
  numbers.forEach((number, index) => {
    const code = scale === 0 ? 0 : Math.min(15, Math.max(0, Math.round((number - least) / scale)))
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

/** Codes, scales and zeros of a matrix, each read by itself and a few rows at a time. */
function codedWeights(matrix: Matrix, { bits, block, hasZeros, codeRow }: Coding) {
  const { name, rows, columns } = matrix
  const codeBytes = (numbers: number) => (numbers * bits) / 8
  const part = (
    kind: keyof CodedBlocks,
    type: OnnxWeight['type'],
    dims: readonly number[],
    bytes: number,
  ): OnnxWeight => ({
    name: `${name}.${kind}`,
    type,
    dims,
    bytes,
    async *read() {
      for await (const slab of matrix.slabs()) {
        const numbers = slab.rows * columns
        const coded = {
          codes: new Uint8Array(codeBytes(numbers)),
          scales: new Float32Array(numbers / block),
          zeros: new Float32Array(hasZeros ? numbers / block : 0),
        }
        for (let row = 0; row < slab.rows; row += 1) codeRow(matrix, slab, row, coded, row * columns)
        yield bytesOf(coded[kind])
      }
    },
  })
  const blocks = columns / block
  const perBlock = (kind: 'scales' | 'zeros') => part(kind, 'float32', [rows, blocks], rows * blocks * 4)
  return {
    codes: part('codes', 'uint8', [rows, blocks, codeBytes(block)], codeBytes(rows * columns)),
    scales: perBlock('scales'),
    zeros: hasZeros ? perBlock('zeros') : undefined,
  }
}

/** `x` [batch, tokens, columns] times a coded matrix: [batch, tokens, rows]. */
export function codedTimes(matrix: Matrix, coding: Coding, x: string, graph: GraphBuilder): string {
  const { codes, scales, zeros } = codedWeights(matrix, coding)
  const parts = [codes, scales, ...(zeros === undefined ? [] : [zeros])]
  return graph.add(
    'MatMulNBits',
    [x, ...parts.map(graph.weight)],
    {
      K: { int: matrix.columns },
      N: { int: matrix.rows },
      bits: { int: coding.bits },
      block_size: { int: coding.block },
      // Computed in float32: with fewer bits the answer would be another one on each runtime.
      accuracy_level: { int: 1 },
    },
    'com.microsoft',
  )
}

/** Rows of a coded matrix by their numbers `ids` [batch, tokens]. */
export function codedRows(matrix: Matrix, coding: Coding, ids: string, graph: GraphBuilder): string {
  const { codes, scales, zeros } = codedWeights(matrix, coding)
  const picked = (weight: OnnxWeight) => graph.add('Gather', [graph.weight(weight), ids])
  const perBlock = (weight: OnnxWeight) => graph.add('Unsqueeze', [picked(weight), graph.ints([-1])])
  const bytes = graph.add('Cast', [picked(codes)], { to: { int: 1 } })
  const numbers = coding.bits === 8 ? bytes : splitNibbles(bytes, matrix.columns / coding.block, coding.block, graph)
  const zero = zeros === undefined ? graph.float(coding.bits === 8 ? 128 : 8) : perBlock(zeros)
  const scaled = graph.add('Mul', [graph.add('Sub', [numbers, zero]), perBlock(scales)])
  return graph.add('Reshape', [scaled, graph.ints([0, 0, matrix.columns])])
}

/** Bytes [batch, tokens, blocks, size / 2] as their halves, the low one first: [batch, tokens, blocks, size]. */
function splitNibbles(bytes: string, blocks: number, size: number, graph: GraphBuilder): string {
  const high = graph.add('Floor', [graph.add('Mul', [bytes, graph.float(1 / 16)])])
  const low = graph.add('Sub', [bytes, graph.add('Mul', [high, graph.float(16)])])
  const apart = [low, high].map((half) => graph.add('Unsqueeze', [half, graph.ints([-1])]))
  return graph.add('Reshape', [graph.add('Concat', apart, { axis: { int: -1 } }), graph.ints([0, 0, blocks, size])])
}
