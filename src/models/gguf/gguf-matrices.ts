import type { ByteSource } from '../onnx/byte-source.ts'
import type { BlockFormat } from './blocks/block-format.ts'
import { blockFormats, formatName } from './blocks/block-formats.ts'
import { type GgufFile, unreadableGguf, unsupportedGguf } from './read-gguf.ts'

/** Some rows of a matrix, as the file has them packed. */
export interface Slab {
  readonly view: DataView
  /** The number of its first row in the matrix. */
  readonly first: number
  readonly rows: number
  /** Where a row of the slab begins in `view`. */
  at(row: number): number
}

/** A matrix of the file. Its rows are numbers side by side; ggml calls that the first dimension. */
export interface Matrix {
  readonly name: string
  readonly format: BlockFormat
  readonly rows: number
  readonly columns: number
  /** All of its rows in the order that ONNX has them, a few megabytes at a time. */
  slabs(): AsyncGenerator<Slab>
}

export interface GgufMatrices {
  has(name: string): boolean
  /**
   * A matrix of [rows, columns], or a vector of [columns].
   *
   * @throws {ModelError} `gguf-unreadable`: it is not there, or is another size than this; `gguf-unsupported`: its
   *   numbers are packed in a way that is not read
   */
  find(name: string, dims: readonly number[]): Matrix
  /** Tensors that nothing has asked for. */
  unused(): readonly string[]
}

const slabBytes = 4 * 1024 * 1024

/**
 * llama.cpp turns neighbouring numbers of a head against each other, and its converter has sorted the rows of query and
 * key for that; everybody else turns the two halves. The row that comes to this place:
 */
const unsorted = (headSize: number) => (row: number) => {
  const [head, place] = [Math.floor(row / headSize), row % headSize]
  const half = headSize / 2
  return head * headSize + (place < half ? 2 * place : 2 * (place - half) + 1)
}

/**
 * The matrices of a GGUF file.
 *
 * @param sortedHeadSize where rows of query and key are sorted as llama.cpp has them; undefined where they are not
 */
export function openGgufMatrices(source: ByteSource, file: GgufFile, sortedHeadSize: number | undefined): GgufMatrices {
  const asked = new Set<string>()

  return {
    has: (name) => file.tensors.has(name),
    unused: () => [...file.tensors.keys()].filter((name) => !asked.has(name)),
    find(name, dims) {
      asked.add(name)
      const tensor = file.tensors.get(name)
      if (tensor === undefined) throw unreadableGguf(`it lacks the weights ${name}`)
      const format = blockFormats.get(tensor.type)
      if (format === undefined) {
        throw unsupportedGguf(
          `its weights ${name} are packed as ${formatName(tensor.type)}; F32, F16, BF16, Q8_0, Q4 to Q6 and their K forms are read`,
        )
      }
      // A dimension of 1 may be left out, or added at the end.
      const trimmed = [...tensor.dims]
      while (trimmed.length > 1 && trimmed.at(-1) === 1) trimmed.pop()
      const wanted = dims.toReversed()
      while (wanted.length > 1 && wanted.at(-1) === 1) wanted.pop()
      if (trimmed.length !== wanted.length || trimmed.some((size, index) => size !== wanted[index])) {
        throw unreadableGguf(
          `its weights ${name} are of the size ${tensor.dims.join('×')}, and it needs ${wanted.join('×')}`,
        )
      }
      // A vector of plain numbers is a column, so that it is sorted as a matrix is.
      const isColumn = dims.length === 1 && format.elements === 1
      const [rows, columns] = isColumn ? [wanted[0] ?? 0, 1] : [wanted[1] ?? 1, wanted[0] ?? 0]
      if (columns % format.elements !== 0) {
        throw unreadableGguf(`its weights ${name} have rows of ${columns} numbers, which ${format.name} does not hold`)
      }
      const rowBytes = (columns / format.elements) * format.bytes
      if (tensor.start + rows * rowBytes > source.size) throw unreadableGguf('it ends too early')
      const headSize = sortedHeadSize !== undefined && /\.attn_[qk]\.(weight|bias)$/.test(name) ? sortedHeadSize : 1
      const sort = headSize === 1 ? (row: number) => row : unsorted(headSize)
      // Rows are sorted within a head, and a slab has whole heads.
      const slabRows = Math.max(1, Math.floor(slabBytes / (rowBytes * headSize))) * headSize

      return {
        name,
        format,
        rows,
        columns,
        async *slabs() {
          for (let first = 0; first < rows; first += slabRows) {
            const count = Math.min(slabRows, rows - first)
            const from = tensor.start + first * rowBytes
            const bytes = await source.read(from, from + count * rowBytes)
            if (bytes.length !== count * rowBytes) throw unreadableGguf('it ends too early')
            const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
            yield { view, first, rows: count, at: (row) => sort(row) * rowBytes }
          }
        },
      }
    },
  }
}

/** The numbers of a slab's row. */
export function unpackRow({ format, columns }: Matrix, slab: Slab, row: number, to: Float32Array, into = 0): void {
  const at = slab.at(row)
  for (let block = 0; block < columns / format.elements; block += 1) {
    format.unpack(slab.view, at + block * format.bytes, to, into + block * format.elements)
  }
}
