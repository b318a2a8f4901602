import { createGraphBuilder } from '../models/onnx/graph-builder.ts'
import { type OnnxModel, writeOnnx } from '../models/onnx/write-onnx.ts'
import { createSeededRandom } from '../utils/seeded-random.ts'

const [vocabulary, heads, kvHeads, headSize, layers, longest] = [40, 4, 2, 16, 2, 64]
const width = heads * headSize

export interface ExportedKind {
  readonly rotary?: boolean
  readonly packed?: boolean
  readonly window?: number
  readonly softcap?: number
  /** What the logits are made of is given, too, of each token. */
  readonly showsProduct?: boolean
}

/** A decoder in the form of the hub's exports: fused attention, and logits of each token. */
export async function exportedDecoder({
  rotary = false,
  packed = false,
  window = -1,
  softcap = 0,
  showsProduct = false,
}: ExportedKind) {
  const graph = createGraphBuilder()
  const random = createSeededRandom(3)
  const matrix = (...dims: number[]) =>
    graph.floats(
      Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => (random() - 0.5) * 0.5),
      dims,
    )
  const cache = (of: (angle: number) => number) =>
    graph.floats(
      Float32Array.from({ length: longest * (headSize / 2) }, (_, at) =>
        of(Math.floor(at / (headSize / 2)) * 100 ** (-(at % (headSize / 2)) / (headSize / 2))),
      ),
      [longest, headSize / 2],
    )
  const [cos, sin] = [cache(Math.cos), cache(Math.sin)]
  const toInt32 = (x: string) => graph.add('Cast', [x], { to: { int: 6 } })
  const lengths = toInt32(
    graph.add('Sub', [graph.add('ReduceSum', ['attention_mask', graph.ints([1])]), graph.ints([1])]),
  )
  const total = toInt32(graph.add('Gather', [graph.add('Shape', ['attention_mask']), graph.ints([1], true)]))
  let x = graph.add('Gather', [matrix(vocabulary, width), 'input_ids'])
  for (let layer = 0; layer < layers; layer += 1) {
    const sizes = packed
      ? [(heads + 2 * kvHeads) * headSize]
      : [heads, kvHeads, kvHeads].map((count) => count * headSize)
    const parts = sizes.map((size) => graph.add('MatMul', [x, matrix(width, size)]))
    const past = ['key', 'value'].map((part) => `past_key_values.${layer}.${part}`)
    const flat = graph.addMany(
      'GroupQueryAttention',
      [...parts, ...(packed ? ['', ''] : []), ...past, lengths, total, ...(rotary ? [cos, sin] : [])],
      3,
      {
        num_heads: { int: heads },
        kv_num_heads: { int: kvHeads },
        do_rotary: { int: rotary ? 1 : 0 },
        local_window_size: { int: window },
        softcap: { float: softcap },
      },
    )
    const node = graph.nodes.at(-1)
    if (node !== undefined) graph.nodes.splice(-1, 1, { ...node, domain: 'com.microsoft' })
    const [out = '', key = '', value = ''] = flat
    graph.name(key, `present.${layer}.key`)
    graph.name(value, `present.${layer}.value`)
    x = graph.add('Add', [x, graph.add('MatMul', [out, matrix(width, width)])])
  }
  const state = graph.add('Tanh', [x])
  const product = graph.add('MatMul', [state, matrix(width, vocabulary)])
  if (showsProduct) graph.name(product, 'product')
  graph.name(graph.add('Mul', [product, graph.float(3)]), 'logits')
  const float = (name: string, ...shape: (number | string)[]) => ({ name, type: 'float32' as const, shape })
  const all = (name: string, length: string) =>
    Array.from({ length: layers }, (_, layer) =>
      ['key', 'value'].map((part) => float(`${name}.${layer}.${part}`, 'batch', kvHeads, length, headSize)),
    ).flat()
  const model: OnnxModel = {
    inputs: [
      { name: 'input_ids', type: 'int64', shape: ['batch', 'tokens'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch', 'total'] },
      ...all('past_key_values', 'past'),
    ],
    outputs: [
      float('logits', 'batch', 'tokens', vocabulary),
      ...(showsProduct ? [float('product', 'batch', 'tokens', vocabulary)] : []),
      ...all('present', 'total'),
    ],
    nodes: graph.nodes,
    weights: graph.weights,
    opsets: { '': 18, 'com.microsoft': 1 },
  }
  return gather(writeOnnx(model))
}

export const exportedLayers = layers

/** All of a file that comes piece by piece. */
export async function gather(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  for await (const piece of pieces) parts.push(piece)
  return new Uint8Array(Buffer.concat(parts))
}
