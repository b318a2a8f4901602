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

/** Codes of a matrix: [columns, rows], as MatMulInteger wants them. */
function codesOf(matrix: Matrix): OnnxWeight {
  const { rows, columns, name } = matrix
  return {
    name: `${name}.int8`,
    type: 'int8',
    dims: [columns, rows],
    bytes: rows * columns,
    async *read() {
      const codes = new Int8Array(rows * columns)
      const numbers = new Float32Array(columns)
      for await (const slab of matrix.slabs()) {
        for (let row = 0; row < slab.rows; row += 1) {
          unpackRow(matrix, slab, row, numbers)
          const scale = scaleOf(numbers)
          const place = slab.first + row
          for (let column = 0; column < columns; column += 1) {
            codes[column * rows + place] = codeOf(numbers[column] ?? 0, scale)
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
  const parted = new Map<string, ReturnType<typeof partAnew>>()

  const last = graph.ints([-1])
  const least = graph.float(1e-30)
  /** A step of which there are so many in `size`. */
  const toScale = (size: string, steps: number) =>
    graph.add('Mul', [graph.add('Max', [size, least]), graph.float(1 / steps)])
  const toCodes = (steps: string) => graph.add('QuantizeLinear', [steps, graph.float(1), graph.byte(middle)])

  /** `x` [batch, tokens, size] as codes around about the middle between each token's least and largest number. */
  const roundAnew = (x: string) => {
    const top = graph.add('ReduceMax', [x, last])
    const center = graph.add('Mul', [graph.add('Add', [top, graph.add('ReduceMin', [x, last])]), graph.float(0.5)])
    // Half a step is left for the middle, which is moved so that 0 has a code: most numbers are near it, and rounded all
    // to one side they would add up.
    const scale = toScale(graph.add('Sub', [top, center]), most - 0.5)
    const zero = graph.add('Round', [graph.add('Div', [center, scale])])
    const steps = graph.add('Sub', [graph.add('Div', [x, scale]), zero])
    return { codes: toCodes(steps), scale, center: graph.add('Mul', [zero, scale]) }
  }
  /** `x` in two codes [2 · batch, tokens, size]: the coarse half of 16 bits, then the fine one. */
  const partAnew = (x: string) => {
    const scale = toScale(graph.add('ReduceMax', [graph.add('Abs', [x]), last]), most)
    const steps = graph.add('Div', [x, scale])
    const coarse = graph.add('Round', [steps])
    const fine = graph.add('Mul', [graph.add('Sub', [steps, coarse]), graph.float(2 * most)])
    return { codes: toCodes(graph.add('Concat', [coarse, fine], { axis: { int: 0 } })), scale }
  }
  const product = (matrix: Matrix, x: string) => {
    const { codes, scales } = toWholeNumbers(matrix)
    return graph.add(
      'MatMulIntegerToFloat',
      [x, graph.weight(codes), graph.float(1), graph.weight(scales), graph.byte(middle)],
      {},
      'com.microsoft',
    )
  }

  return {
    /** `x` [batch, tokens, columns] times a matrix: [batch, tokens, rows]. */
    times(matrix: Matrix, x: string): string {
      const { codes, scale, center } = once(rounded, x, roundAnew)
      const around = graph.add('Mul', [product(matrix, codes), scale])
      return graph.add('Add', [around, graph.add('Mul', [center, graph.weight(sumsOf(matrix))])])
    },
    /**
     * The same, but `x` has 16 bits, which takes twice the time: for products where a few numbers of a token are a
     * hundred times larger than the rest, which one code of 8 bits would lose.
     */
    timesFinely(matrix: Matrix, x: string): string {
      const { codes, scale } = once(parted, x, partAnew)
      const halves = { axis: { int: 0 }, num_outputs: { int: 2 } }
      const [coarse = '', fine = ''] = graph.addMany('Split', [product(matrix, codes)], 2, halves)
      const sum = graph.add('Add', [coarse, graph.add('Mul', [fine, graph.float(1 / (2 * most))])])
      return graph.add('Mul', [sum, scale])
    },
    /** Rows of a matrix by their numbers `ids` [batch, tokens]. */
    rows(matrix: Matrix, ids: string): string {
      // The same codes as in a product, so that a table that is both is there once.
      const columns = graph.add('Gather', [graph.weight(codesOf(matrix)), ids], { axis: { int: 1 } })
      const rows = graph.add('Transpose', [columns], { perm: { ints: [1, 2, 0] } })
      const numbers = graph.add('Cast', [rows], { to: { int: 1 } })
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
