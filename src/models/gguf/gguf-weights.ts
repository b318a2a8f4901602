import type { ByteSource } from '../onnx/byte-source.ts'
import type { OnnxWeight } from '../onnx/write-onnx.ts'
import { type BlockFormat, blockFormats } from './block-formats.ts'
import type { DecoderWeights, GraphBuilder } from './decoder-graph.ts'
import { type GgufFile, type GgufTensor, unreadableGguf } from './read-gguf.ts'

/**
 * How matrices are written: `fp32` as plain numbers; `q4` with 4 bits where the file has them so, losslessly, and 8 bits
 * or plain numbers elsewhere; `q8` with 8 bits, multiplied as whole numbers, as the hub's `model_quantized.onnx`.
 */
export type Precision = 'fp32' | 'q4' | 'q8'

interface Matrix {
  readonly tensor: GgufTensor
  readonly format: BlockFormat
  /** Of the matrix as ONNX has it: rows of `columns` numbers side by side. */
  readonly rows: number
  readonly columns: number
}

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * llama.cpp turns neighbouring numbers of a head against each other, and its converter has sorted the rows of query and
 * key for that; everybody else turns the two halves. The row that comes to this place:
 */
const unsorted = (headSize: number) => (row: number) => {
  const [head, place] = [Math.floor(row / headSize), row % headSize]
  const half = headSize / 2
  return head * headSize + (place < half ? 2 * place : 2 * (place - half) + 1)
}

/** @param options.headSize where rows of query and key are sorted as llama.cpp has them; undefined where they are not */
export function openGgufWeights(
  source: ByteSource,
  file: GgufFile,
  options: { readonly precision: Precision; readonly sortedHeadSize: number | undefined },
): DecoderWeights {
  const { precision, sortedHeadSize } = options

  const find = (name: string): Matrix => {
    const tensor = file.tensors.get(name)
    if (tensor === undefined) throw unreadableGguf(`it lacks the weights ${name}`)
    const format = blockFormats.get(tensor.type)
    if (format === undefined)
      throw unreadableGguf(`its weights ${name} are of the kind ${tensor.type}, which is not read`)
    const [columns = 0, rows = 1] = tensor.dims
    if (columns % format.elements !== 0) throw unreadableGguf(`its weights ${name} have rows of ${columns} numbers`)
    return { tensor, format, rows, columns }
  }
  const rowBytes = ({ format, columns }: Matrix) => (columns / format.elements) * format.bytes
  const sortOf = ({ tensor }: Matrix) =>
    sortedHeadSize !== undefined && /attn_[qk]\.weight$/.test(tensor.name)
      ? unsorted(sortedHeadSize)
      : (row: number) => row
  const readAll = async (matrix: Matrix): Promise<DataView> => {
    const { start } = matrix.tensor
    return viewOf(await source.read(start, start + matrix.rows * rowBytes(matrix)))
  }
  /** Each block of the matrix, in the order that ONNX has it. */
  const eachBlock = async (matrix: Matrix, see: (view: DataView, at: number, block: number) => void) => {
    const view = await readAll(matrix)
    const { format, rows, columns } = matrix
    const perRow = columns / format.elements
    const sort = sortOf(matrix)
    for (let row = 0; row < rows; row += 1) {
      const from = sort(row) * rowBytes(matrix)
      for (let block = 0; block < perRow; block += 1) see(view, from + block * format.bytes, row * perRow + block)
    }
  }
  const unpacked = async (matrix: Matrix): Promise<Float32Array> => {
    const { format, rows, columns } = matrix
    const numbers = new Float32Array(rows * columns)
    await eachBlock(matrix, (view, at, block) => format.unpack(view, at, numbers, block * format.elements))
    return numbers
  }
  const weight = (
    name: string,
    type: OnnxWeight['type'],
    dims: readonly number[],
    bytes: number,
    read: () => Promise<ArrayBufferView>,
  ): OnnxWeight => ({ name, type, dims, bytes, read: async () => bytesOf(await read()) })

  const plain = (name: string, matrix: Matrix, transposed: boolean) => {
    const { rows, columns } = matrix
    const read = async () => {
      const numbers = await unpacked(matrix)
      if (!transposed) return numbers
      const turned = new Float32Array(numbers.length)
      for (let row = 0; row < rows; row += 1) {
        for (let column = 0; column < columns; column += 1) {
          turned[column * rows + row] = numbers[row * columns + column] ?? 0
        }
      }
      return turned
    }
    return weight(name, 'float32', transposed ? [columns, rows] : [rows, columns], rows * columns * 4, read)
  }

  /** Blocks of 32 with a scale each, in 8 bits counted from 128: read by rows here, and multiplied there. */
  const eightBits = (name: string, matrix: Matrix) => {
    const { rows, columns } = matrix
    const blocks = columns / 32
    const split = async () => {
      const numbers = await unpacked(matrix)
      const bits = new Uint8Array(rows * columns)
      const scales = new Float32Array(rows * blocks)
      for (let block = 0; block < scales.length; block += 1) {
        let largest = 0
        for (let at = block * 32; at < block * 32 + 32; at += 1) largest = Math.max(largest, Math.abs(numbers[at] ?? 0))
        const scale = largest / 127
        scales[block] = scale
        for (let at = block * 32; at < block * 32 + 32; at += 1) {
          bits[at] = scale === 0 ? 128 : 128 + Math.round((numbers[at] ?? 0) / scale)
        }
      }
      return { bits, scales }
    }
    return {
      bits: weight(`${name}.bits`, 'uint8', [rows, blocks, 32], rows * columns, async () => (await split()).bits),
      scales: weight(
        `${name}.scales`,
        'float32',
        [rows, blocks],
        rows * blocks * 4,
        async () => (await split()).scales,
      ),
    }
  }

  const byBlocks = (graph: GraphBuilder, x: string, matrix: Matrix, bits: number, parts: readonly string[]) =>
    graph.add(
      'MatMulNBits',
      [x, ...parts],
      {
        K: { int: matrix.columns },
        N: { int: matrix.rows },
        bits: { int: bits },
        block_size: { int: 32 },
        accuracy_level: { int: 1 },
      },
      'com.microsoft',
    )

  const fourBits = (name: string, matrix: Matrix) => {
    const { rows, columns, format } = matrix
    const blocks = columns / 32
    const split = async () => {
      const to = {
        bits: new Uint8Array((rows * columns) / 2),
        scales: new Float32Array(rows * blocks),
        zeros: new Float32Array(rows * blocks),
      }
      await eachBlock(matrix, (view, at, block) => format.asNibbles?.(view, at, to, block))
      return to
    }
    return [
      weight(`${name}.bits`, 'uint8', [rows, blocks, 16], (rows * columns) / 2, async () => (await split()).bits),
      weight(`${name}.scales`, 'float32', [rows * blocks], rows * blocks * 4, async () => (await split()).scales),
      weight(`${name}.zeros`, 'float32', [rows * blocks], rows * blocks * 4, async () => (await split()).zeros),
    ]
  }

  /** A scale for each row, and activations in 8 bits, too: the fastest there is on WASM. */
  const wholeNumbers = (name: string, matrix: Matrix, x: string, graph: GraphBuilder): string => {
    const { rows, columns } = matrix
    const split = async () => {
      const numbers = await unpacked(matrix)
      const [bits, scales] = [new Int8Array(rows * columns), new Float32Array(rows)]
      for (let row = 0; row < rows; row += 1) {
        let largest = 0
        for (let at = row * columns; at < (row + 1) * columns; at += 1)
          largest = Math.max(largest, Math.abs(numbers[at] ?? 0))
        const scale = largest / 127 || 1
        scales[row] = scale
        for (let column = 0; column < columns; column += 1) {
          bits[column * rows + row] = Math.round((numbers[row * columns + column] ?? 0) / scale)
        }
      }
      return { bits, scales }
    }
    const bits = weight(`${name}.int8`, 'int8', [columns, rows], rows * columns, async () => (await split()).bits)
    const scales = weight(`${name}.scale`, 'float32', [rows], rows * 4, async () => (await split()).scales)
    const [quantized = '', scale = '', zero = ''] = graph.addMany('DynamicQuantizeLinear', [x], 3)
    const product = graph.add('MatMulInteger', [quantized, graph.weight(bits), zero])
    const factor = graph.add('Mul', [scale, graph.weight(scales)])
    return graph.add('Mul', [graph.add('Cast', [product], { to: { int: 1 } }), factor])
  }

  /** A model without an output table of its own uses the one that it reads with. */
  const named = (name: string) => (name === 'output.weight' && !file.tensors.has(name) ? 'token_embd.weight' : name)

  return {
    vector(name) {
      const matrix = find(name)
      return weight(name, 'float32', [matrix.columns], matrix.columns * 4, () => unpacked(matrix))
    },
    rows(name, ids, graph) {
      const matrix = find(name)
      if (precision === 'fp32') return graph.add('Gather', [graph.weight(plain(name, matrix, false)), ids])
      const { bits, scales } = eightBits(name, matrix)
      const whole = graph.add('Cast', [graph.add('Gather', [graph.weight(bits), ids])], { to: { int: 1 } })
      const counted = graph.add('Sub', [whole, graph.float(128)])
      const factor = graph.add('Unsqueeze', [graph.add('Gather', [graph.weight(scales), ids]), graph.ints([-1])])
      return graph.add('Reshape', [graph.add('Mul', [counted, factor]), graph.ints([0, 0, matrix.columns])])
    },
    times(asked, x, graph) {
      const name = named(asked)
      const matrix = find(name)
      if (precision === 'fp32') return graph.add('MatMul', [x, graph.weight(plain(`${name}.turned`, matrix, true))])
      if (precision === 'q8') return wholeNumbers(name, matrix, x, graph)
      if (matrix.format.asNibbles !== undefined) {
        return byBlocks(graph, x, matrix, 4, fourBits(name, matrix).map(graph.weight))
      }
      const { bits, scales } = eightBits(name, matrix)
      return byBlocks(graph, x, matrix, 8, [bits, scales].map(graph.weight))
    },
  }
}
