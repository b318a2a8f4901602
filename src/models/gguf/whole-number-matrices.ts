import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { OnnxWeight } from '../onnx/write-onnx.ts'
import { type Matrix, unpackRow } from './gguf-matrices.ts'
import { bytesOf } from './plain-matrices.ts'

/** Codes on either side of 0. */
const most = 127
/** The middle of unsigned codes. */
const middle = 128

const largest = (numbers: Float32Array) => numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0)

const codeOf = (number: number, scale: number) => Math.round(number / scale)
/** The row's largest number is the largest code. A row of zeros has any scale. */
const scaleOf = (row: Float32Array) => Math.fround(largest(row) / most) || 1

/** A number for each row of a matrix: [rows]. */
const perRow = (matrix: Matrix, kind: string, of: (row: Float32Array) => number): OnnxWeight => ({
  name: `${matrix.name}.${kind}`,
  type: 'float32',
  dims: [matrix.rows],
  bytes: matrix.rows * 4,
  async *read() {
    const numbers = new Float32Array(matrix.columns)
    for await (const slab of matrix.slabs()) {
      yield bytesOf(
        Float32Array.from({ length: slab.rows }, (_, row) => {
          unpackRow(matrix, slab, row, numbers)
          return of(numbers)
        }),
      )
    }
  },
})
const scalesOf = (matrix: Matrix) => perRow(matrix, 'scales', scaleOf)
/** The sum of what a row's codes stand for. */
const sumsOf = (matrix: Matrix) =>
  perRow(matrix, 'sums', (row) => {
    const scale = scaleOf(row)
    return row.reduce((sum, number) => sum + codeOf(number, scale), 0) * scale
  })

/**
 * Codes of a matrix, around the middle: [columns, rows], as MatMulInteger wants them. Unsigned, because products of
 * unsigned and signed codes overflow in onnxruntime-node on processors without VNNI: pairs of them are added in 16 bits.
 */
function codesOf(matrix: Matrix): OnnxWeight {
  const { rows, columns, name } = matrix
  return {
    name: `${name}.uint8`,
    type: 'uint8',
    dims: [columns, rows],
    bytes: rows * columns,
    async *read() {
      const codes = new Uint8Array(rows * columns)
      const numbers = new Float32Array(columns)
      for await (const slab of matrix.slabs()) {
        for (let row = 0; row < slab.rows; row += 1) {
          unpackRow(matrix, slab, row, numbers)
          const scale = scaleOf(numbers)
          const place = slab.first + row
          for (let column = 0; column < columns; column += 1) {
            codes[column * rows + place] = middle + codeOf(numbers[column] ?? 0, scale)
          }
        }
      }
      yield bytesOf(codes)
    },
  }
}

/** A matrix as codes [columns, rows], and a scale for each row. */
export const toWholeNumbers = (matrix: Matrix) => ({ codes: codesOf(matrix), scales: scalesOf(matrix) })

/**
 * Matrices whose numbers are codes of 8 bits, a scale for each row, which are multiplied as whole numbers: the fastest
 * that onnxruntime-web's WASM has. The other side of a product becomes whole numbers in each run, token by token, so
 * that a token's answer does not depend on those it is read with.
 */
export function createWholeNumbers(graph: GraphBuilder) {
  const rounded = new Map<string, ReturnType<typeof roundAnew>>()
  const centered = new Map<string, ReturnType<typeof centerAnew>>()
  const parted = new Map<string, ReturnType<typeof partAnew>>()

  const last = graph.ints([-1])
  const least = graph.float(1e-30)
  const step = graph.float(1 / most)
  /** Of the fine half of 16 bits. */
  const fineStep = graph.float(1 / (2 * most * most))
  const zero = graph.byte(middle)
  const toCodes = (x: string, of: string) => graph.add('QuantizeLinear', [x, of, zero])

  /** `x` [batch, tokens, width] between -1 and 1, and each token's largest number, [batch, tokens, 1]. */
  const toShares = (x: string) => {
    const size = graph.add('Max', [graph.add('ReduceMax', [graph.add('Abs', [x]), last]), least])
    return { shares: graph.add('Div', [x, size]), size }
  }
  const roundAnew = (x: string) => {
    const { shares, size } = toShares(x)
    return { codes: toCodes(shares, step), size }
  }
  /** `x` as codes around about the middle between each token's least and largest number. */
  const centerAnew = (x: string) => {
    const top = graph.add('ReduceMax', [x, last])
    const middle = graph.add('Mul', [graph.add('Add', [top, graph.add('ReduceMin', [x, last])]), graph.float(0.5)])
    // Half a step is left for the middle, which is moved so that 0 has a code: most numbers are near it, and rounded all
    // to one side they would add up.
    const scale = graph.add('Mul', [
      graph.add('Max', [graph.add('Sub', [top, middle]), least]),
      graph.float(1 / (most - 0.5)),
    ])
    const steps = graph.add('Round', [graph.add('Div', [middle, scale])])
    const shares = graph.add('Sub', [graph.add('Div', [x, scale]), steps])
    return { codes: toCodes(shares, graph.float(1)), scale, center: graph.add('Mul', [steps, scale]) }
  }
  /** `x` in two codes [2 · batch, tokens, width]: the coarse half of 16 bits, then the fine one. */
  const partAnew = (x: string) => {
    const { shares, size } = toShares(x)
    const coarse = toCodes(shares, step)
    const rest = graph.add('Sub', [shares, graph.add('DequantizeLinear', [coarse, step, zero])])
    return { codes: graph.add('Concat', [coarse, toCodes(rest, fineStep)], { axis: { int: 0 } }), size }
  }
  /** @param of what the codes `x` count steps of */
  const product = (matrix: Matrix, x: string, of: string) => {
    const { codes, scales } = toWholeNumbers(matrix)
    return graph.add(
      'MatMulIntegerToFloat',
      [x, graph.weight(codes), of, graph.weight(scales), zero, zero],
      {},
      'com.microsoft',
    )
  }

  return {
    /** `x` [batch, tokens, columns] times a matrix: [batch, tokens, rows]. */
    times(matrix: Matrix, x: string): string {
      const { codes, size } = once(rounded, x, roundAnew)
      return graph.add('Mul', [product(matrix, codes, step), size])
    },
    /**
     * The same with a finer step, for some more nodes: twice as fine where all numbers have one sign.
     *
     * @param tokens of which tokens, which may be none: onnxruntime finds no largest number in none, but multiplies none
     */
    timesCentered(matrix: Matrix, x: string, tokens?: string): string {
      const { codes, scale, center } = once(centered, x, centerAnew)
      const pick = (of: string) => (tokens === undefined ? of : graph.add('Gather', [of, tokens], { axis: { int: 1 } }))
      const around = graph.add('Mul', [product(matrix, pick(codes), graph.float(1)), pick(scale)])
      return graph.add('Add', [around, graph.add('Mul', [pick(center), graph.weight(sumsOf(matrix))])])
    },
    /**
     * The same, but `x` has 16 bits, which takes twice the time: for products where a few numbers of a token are a
     * hundred times larger than the rest, which one code of 8 bits would lose.
     */
    timesFinely(matrix: Matrix, x: string): string {
      const { codes, size } = once(parted, x, partAnew)
      const halves = { axis: { int: 0 }, num_outputs: { int: 2 } }
      const [coarse = '', fine = ''] = graph.addMany('Split', [product(matrix, codes, step)], 2, halves)
      const sum = graph.add('Add', [coarse, graph.add('Mul', [fine, graph.float(1 / (2 * most))])])
      return graph.add('Mul', [sum, size])
    },
    /** Rows of a matrix by their numbers `ids` [batch, tokens]. */
    rows(matrix: Matrix, ids: string): string {
      // The same codes as in a product, so that a table that is both is there once.
      const columns = graph.add('Gather', [graph.weight(codesOf(matrix)), ids], { axis: { int: 1 } })
      const rows = graph.add('Transpose', [columns], { perm: { ints: [1, 2, 0] } })
      const numbers = graph.add('Sub', [graph.add('Cast', [rows], { to: { int: 1 } }), graph.float(middle)])
      const scales = graph.add('Gather', [graph.weight(scalesOf(matrix)), ids])
      return graph.add('Mul', [numbers, graph.add('Unsqueeze', [scales, graph.ints([-1])])])
    },
  }
}

/** What was made of `x` before, or makes it. */
function once<T>(known: Map<string, T>, x: string, make: (x: string) => T): T {
  const made = known.get(x) ?? make(x)
  known.set(x, made)
  return made
}
