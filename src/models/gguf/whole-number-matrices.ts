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

/** A matrix as codes [columns, rows], and a scale for each row. */
export const toWholeNumbers = (matrix: Matrix) => ({ codes: codesOf(matrix), scales: scalesOf(matrix) })

/** An `x` [batch, tokens, size] as whole numbers, and what each token's are to be multiplied by. */
interface WholeNumbers {
  readonly codes: string
  readonly scale: string
}

/**
 * Matrices whose numbers are codes of 8 bits, a scale for each row, which are multiplied as whole numbers: the fastest
 * that onnxruntime-web's WASM has. The other side of a product becomes whole numbers in each run, with a scale for each
 * token, so that a token's answer does not depend on those it is read with.
 */
export function createWholeNumbers(graph: GraphBuilder) {
  const rounded = new Map<string, WholeNumbers>()
  const parted = new Map<string, WholeNumbers>()

  /** What a number is in steps of 1 / 127 of its token's largest one, and that step. */
  const toSteps = (x: string) => {
    const furthest = graph.add('ReduceMax', [graph.add('Abs', [x]), graph.ints([-1])])
    const scale = graph.add('Mul', [graph.add('Max', [furthest, graph.float(1e-30)]), graph.float(1 / most)])
    return { steps: graph.add('Div', [x, scale]), scale }
  }
  const toCodes = (steps: string) => graph.add('QuantizeLinear', [steps, graph.float(1), graph.byte(middle)])
  const once = (known: Map<string, WholeNumbers>, x: string, make: () => WholeNumbers) => {
    const numbers = known.get(x) ?? make()
    known.set(x, numbers)
    return numbers
  }

  const round = (x: string): WholeNumbers =>
    once(rounded, x, () => {
      const { steps, scale } = toSteps(x)
      return { codes: toCodes(steps), scale }
    })
  /** In two codes [2 · batch, tokens, size]: the coarse half of 16 bits, then the fine one. */
  const part = (x: string): WholeNumbers =>
    once(parted, x, () => {
      const { steps, scale } = toSteps(x)
      const coarse = graph.add('Round', [steps])
      const fine = graph.add('Mul', [graph.add('Sub', [steps, coarse]), graph.float(2 * most)])
      return { codes: toCodes(graph.add('Concat', [coarse, fine], { axis: { int: 0 } })), scale }
    })
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
      const { codes, scale } = round(x)
      return graph.add('Mul', [product(matrix, codes), scale])
    },
    /**
     * The same, but `x` has 16 bits, which takes twice the time: for products where a few numbers of a token are a
     * hundred times larger than the rest, which one code of 8 bits would lose.
     */
    timesFinely(matrix: Matrix, x: string): string {
      const { codes, scale } = part(x)
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
