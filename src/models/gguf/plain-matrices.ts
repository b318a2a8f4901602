import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { OnnxWeight } from '../onnx/write-onnx.ts'
import { type Matrix, unpackRow } from './gguf-matrices.ts'

export const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

/** A matrix as float32, in the shape that is wanted of its numbers. */
export function plainWeight(matrix: Matrix, name: string, dims: readonly number[]): OnnxWeight {
  const { rows, columns } = matrix
  return {
    name,
    type: 'float32',
    dims,
    bytes: rows * columns * 4,
    async *read() {
      for await (const slab of matrix.slabs()) {
        const numbers = new Float32Array(slab.rows * columns)
        for (let row = 0; row < slab.rows; row += 1) unpackRow(matrix, slab, row, numbers, row * columns)
        yield bytesOf(numbers)
      }
    },
  }
}

/** A matrix as float32 [columns, rows], as MatMul wants it. */
function turnedWeight(matrix: Matrix, name: string): OnnxWeight {
  const { rows, columns } = matrix
  return {
    name,
    type: 'float32',
    dims: [columns, rows],
    bytes: rows * columns * 4,
    async *read() {
      const turned = new Float32Array(rows * columns)
      const numbers = new Float32Array(columns)
      for await (const slab of matrix.slabs()) {
        for (let row = 0; row < slab.rows; row += 1) {
          unpackRow(matrix, slab, row, numbers)
          for (let column = 0; column < columns; column += 1) {
            turned[column * rows + slab.first + row] = numbers[column] ?? 0
          }
        }
      }
      yield bytesOf(turned)
    },
  }
}

/** `x` [batch, tokens, columns] times a matrix: [batch, tokens, rows]. */
export const plainTimes = (matrix: Matrix, x: string, graph: GraphBuilder): string =>
  graph.add('MatMul', [x, graph.weight(turnedWeight(matrix, `${matrix.name}.turned`))])

const table = (matrix: Matrix) => plainWeight(matrix, matrix.name, [matrix.rows, matrix.columns])

/** Rows of a matrix by their numbers `ids` [batch, tokens]. */
export const plainRows = (matrix: Matrix, ids: string, graph: GraphBuilder): string =>
  graph.add('Gather', [graph.weight(table(matrix)), ids])

/** As `plainTimes`, with the table that rows are read from, too: `x` [batch, tokens, columns], which may be no tokens. */
export function plainTimesTable(matrix: Matrix, x: string, graph: GraphBuilder): string {
  const flat = graph.add('Reshape', [x, graph.ints([-1, matrix.columns])])
  const product = graph.add('Gemm', [flat, graph.weight(table(matrix))], { transB: { int: 1 } })
  const shape = [graph.add('Shape', [x], { end: { int: 2 } }), graph.ints([matrix.rows])]
  return graph.add('Reshape', [product, graph.add('Concat', shape, { axis: { int: 0 } })], { allowzero: { int: 1 } })
}
