import type { GraphBuilder } from '../onnx/graph-builder.ts'
import { codingOf, createCoded } from './coded-matrices.ts'
import type { DecoderWeights } from './decoder-graph.ts'
import type { GgufMatrices, Matrix } from './gguf-matrices.ts'
import { joinRows, joint } from './join-rows.ts'
import { plainRows, plainTimes, plainTimesTable, plainWeight } from './plain-matrices.ts'
import { createWholeNumbers } from './whole-number-matrices.ts'

/**
 * How matrices are written.
 *
 * - `fp32`: plain numbers.
 * - `q8`: 8 bits and a scale for each row, multiplied as whole numbers: the fastest form on WASM.
 * - `q4`: MatMulNBits, with the file's own bits where it has matrices of 4 bits. A file of more bits is rounded to 4, its
 *   table of tokens and its output to 8.
 */
export type Precision = 'fp32' | 'q8' | 'q4'

/** What became of the matrices of one format. */
export interface Treatment {
  /** The file's format, as `Q4_1`. */
  readonly from: string
  readonly to: 'plain numbers' | '4 bits' | '8 bits'
  /** The numbers stayed what they were. */
  readonly isExact: boolean
  /** Matrices that it happened to. */
  readonly matrices: number
}

const table = 'token_embd.weight'
const head = 'output.weight'
/**
 * What goes into the last product of a layer is itself a product, so a few of its numbers are far larger than the rest.
 * 16 bits everywhere would take 1.9 times the prompt's time of 8 bits, here they take 1.2 (SmolLM2-135M on WASM).
 */
const hasOutliers = ({ name }: Matrix) => name.endsWith('.ffn_down.weight')
/**
 * The products whose rounding shows most in the logits: those of query, key and value, and the output. A finer step
 * everywhere would cost a token 3 ms more (SmolLM2-135M on WASM).
 */
const isCentered = ({ name }: Matrix) => /\.attn_[qkv]\.weight/.test(name)

export function openGgufWeights(
  matrices: GgufMatrices,
  options: { readonly precision: Precision; readonly graph: GraphBuilder; readonly hasFourBits: boolean },
): DecoderWeights & { treatments(): readonly Treatment[] } {
  const { precision, graph, hasFourBits } = options
  const wholeNumbers = createWholeNumbers(graph)
  const codes = createCoded(graph)
  const treated = new Map<string, Treatment & { readonly names: Set<string> }>()
  const note = ({ name, format }: Matrix, to: Treatment['to'], isExact: boolean) => {
    const key = `${format.name} ${to} ${isExact}`
    const names = treated.get(key)?.names ?? new Set()
    for (const each of name.split(joint)) names.add(each)
    treated.set(key, { from: format.name, to, isExact, names, matrices: names.size })
  }
  const coding = (matrix: Matrix) => {
    const isEdge = matrix.name === table || matrix.name === head
    const found = codingOf(matrix, hasFourBits || isEdge ? 8 : 4)
    note(matrix, found === undefined ? 'plain numbers' : found.bits === 4 ? '4 bits' : '8 bits', found?.isExact ?? true)
    return found
  }
  const times = (matrix: Matrix, x: string): string => {
    if (precision === 'q8') {
      note(matrix, '8 bits', false)
      if (hasOutliers(matrix)) return wholeNumbers.timesFinely(matrix, x)
      return isCentered(matrix) ? wholeNumbers.timesCentered(matrix, x) : wholeNumbers.times(matrix, x)
    }
    const coded = precision === 'q4' ? coding(matrix) : undefined
    if (coded !== undefined) return codes.times(matrix, coded, x)
    note(matrix, 'plain numbers', true)
    return plainTimes(matrix, x, graph)
  }

  return {
    has: matrices.has,
    vector(name, size) {
      return plainWeight(matrices.find(name, [size]), name, [size])
    },
    rows(name, ids, dims) {
      const matrix = matrices.find(name, dims)
      if (precision === 'q8') {
        note(matrix, '8 bits', false)
        return wholeNumbers.rows(matrix, ids)
      }
      const coded = precision === 'q4' ? coding(matrix) : undefined
      if (coded !== undefined) return codes.rows(matrix, coded, ids)
      note(matrix, 'plain numbers', true)
      return plainRows(matrix, ids, graph)
    },
    times(wanted, x) {
      const found = wanted.map(({ name, dims }) => matrices.find(name, dims))
      const joined = joinRows(found)
      if (joined !== undefined) return times(joined, x)
      // A file may have them packed in different ways.
      const products = found.map((matrix) => times(matrix, x))
      return graph.add('Concat', products, { axis: { int: -1 } })
    },
    head(x, dims, rows) {
      // A model without an output of its own uses the table that it reads with.
      const matrix = matrices.find(matrices.has(head) ? head : table, dims)
      if (precision === 'q8') {
        note(matrix, '8 bits', false)
        return wholeNumbers.timesCentered(matrix, x, rows)
      }
      const picked = rows === undefined ? x : graph.add('Gather', [x, rows], { axis: { int: 1 } })
      const isPlain = precision === 'fp32' || codingOf(matrix, 8) === undefined
      return isPlain && matrix.name === table ? plainTimesTable(matrix, picked, graph) : times(matrix, picked)
    },
    treatments: () => [...treated.values()].map(({ names: _, ...treatment }) => treatment),
  }
}
