import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { OnnxWeight } from '../onnx/write-onnx.ts'
import { type Matrix, unpackRow } from './gguf-matrices.ts'
import { bytesOf } from './plain-matrices.ts'

/** Codes on either side of 0. */
const most = 127
/** The middle of unsigned codes. */
const middle = 128

const largest = (numbers: Float32Array) => numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0)

/** A scale for each row: the row's largest number is the largest code. */
function scalesOf(matrix: Matrix): OnnxWeight {
  const { rows, columns, name } = matrix
  return {
    name: `${name}.scales`,
    type: 'float32',
    dims: [rows],
    bytes: rows * 4,
    async *read() {
      const numbers = new Float32Array(columns)
      for await (const slab of matrix.slabs()) {
        const scales = new Float32Array(slab.rows)
        for (let row = 0; row < slab.rows; row += 1) {
          unpackRow(matrix, slab, row, numbers)
          scales[row] = largest(numbers) / most
        }
        yield bytesOf(scales)
      }
    },
  }
}

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
          const scale = Math.fround(largest(numbers) / most) || 1
          const place = slab.first + row
          for (let column = 0; column < columns; column += 1) {
            codes[column * rows + place] = Math.round((numbers[column] ?? 0) / scale)
          }
        }
      }
      yield bytesOf(codes)
    },
  }
}

/** An `x` as whole numbers: twice as many tokens, and what to multiply them by. */
interface WholeNumbers {
  readonly codes: string
  readonly scale: string
}

/**
 * Matrices whose numbers are codes of 8 bits, a scale for each row, which are multiplied as whole numbers: the fastest
 * that onnxruntime-web's WASM has. The other side of a product is parted into two codes, one for the coarse and one for
 * the fine half of 16 bits: a few of a language model's activations are a hundred times larger than the rest, and with
 * one code of 8 bits these are lost. Both are multiplied in one product of twice as many rows, which costs little, as a
 * product's time goes into reading the matrix.
 */
export function createWholeNumbers(graph: GraphBuilder) {
  const parted = new Map<string, WholeNumbers>()

  /** `x` [batch, tokens, size] as codes [2 · batch, tokens, size], the coarse ones first. Each token has its own scale. */
  const part = (x: string): WholeNumbers => {
    const known = parted.get(x)
    if (known !== undefined) return known
    const furthest = graph.add('ReduceMax', [graph.add('Abs', [x]), graph.ints([-1])])
    const scale = graph.add('Mul', [graph.add('Max', [furthest, graph.float(1e-30)]), graph.float(1 / most)])
    const steps = graph.add('Div', [x, scale])
    const coarse = graph.add('Round', [steps])
    const fine = graph.add('Mul', [graph.add('Sub', [steps, coarse]), graph.float(2 * most)])
    const both = graph.add('Concat', [coarse, fine], { axis: { int: 0 } })
    const codes = graph.add('QuantizeLinear', [both, graph.float(1), graph.byte(middle)])
    const numbers = { codes, scale }
    parted.set(x, numbers)
    return numbers
  }

  return {
    /** `x` [batch, tokens, columns] times a matrix: [batch, tokens, rows]. */
    times(matrix: Matrix, x: string): string {
      const { codes, scale } = part(x)
      const product = graph.add(
        'MatMulIntegerToFloat',
        [codes, graph.weight(codesOf(matrix)), graph.float(1), graph.weight(scalesOf(matrix)), graph.byte(middle)],
        {},
        'com.microsoft',
      )
      const [coarse = '', fine = ''] = graph.addMany('Split', [product], 2, {
        axis: { int: 0 },
        num_outputs: { int: 2 },
      })
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
