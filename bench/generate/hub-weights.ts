import type { DecoderWeights } from '../../src/models/gguf/decoder-graph.ts'
import type { GgufMatrices } from '../../src/models/gguf/gguf-matrices.ts'
import { toWholeNumbers } from '../../src/models/gguf/whole-number-matrices.ts'
import type { createGraphBuilder } from '../../src/models/onnx/graph-builder.ts'

/**
 * 8 bits as the hub's exports have them (onnxruntime's dynamic quantization): a scale and a zero point for all
 * activations of a run, and products of whole numbers. The matrices' codes are those of Hither's own form.
 */
export function hubWeightsOf8Bits(
  own: DecoderWeights,
  matrices: GgufMatrices,
  graph: ReturnType<typeof createGraphBuilder>,
): DecoderWeights {
  const middle = graph.byte(128)
  const rounded = new Map<string, readonly string[]>()
  const round = (x: string): readonly string[] => {
    const known = rounded.get(x) ?? graph.addMany('DynamicQuantizeLinear', [x], 3)
    rounded.set(x, known)
    return known
  }
  const times = (name: string, x: string, dims: readonly number[]): string => {
    const { codes, scales } = toWholeNumbers(matrices.find(name, dims))
    const [numbers = '', scale = '', zero = ''] = round(x)
    const product = graph.add('MatMulInteger', [numbers, graph.weight(codes), zero, middle])
    const scaling = graph.add('Mul', [scale, graph.weight(scales)])
    return graph.add('Mul', [graph.add('Cast', [product], { to: { int: 1 } }), scaling])
  }
  return {
    ...own,
    times([matrix], x) {
      if (matrix === undefined) throw new TypeError('no matrix')
      return times(matrix.name, x, matrix.dims)
    },
    head: (x, dims) => times(matrices.has('output.weight') ? 'output.weight' : 'token_embd.weight', x, dims),
  }
}
