import { cacheTensors } from '../../src/models/gguf/decoder-attention.ts'
import type { DecoderWeights } from '../../src/models/gguf/decoder-graph.ts'
import type { DecoderPlan } from '../../src/models/gguf/decoder-plan.ts'
import type { createGraphBuilder } from '../../src/models/onnx/graph-builder.ts'
import type { OnnxModel, OnnxWeight } from '../../src/models/onnx/write-onnx.ts'

const microsoft = 'com.microsoft'
const int32 = { to: { int: 6 } }

/** Cosines or sines of each position: [positions, head size / 2]. */
function rotationTable(
  { theta, headSize }: DecoderPlan,
  positions: number,
  of: (angle: number) => number,
): Float32Array {
  const half = headSize / 2
  return Float32Array.from({ length: positions * half }, (_, index) =>
    of(Math.floor(index / half) * theta ** (-(index % half) / half)),
  )
}

/**
 * A Llama-like decoder as the hub has most of them by now: attention as one fused operator (GroupQueryAttention), and
 * logits of each token. What Transformers.js is measured with, on the same weights.
 *
 * @param positions that it can look back on
 */
export function buildHubDecoder(
  plan: DecoderPlan,
  graph: ReturnType<typeof createGraphBuilder>,
  weights: DecoderWeights,
  positions: number,
): OnnxModel {
  const { layers, width, innerWidth, heads, kvHeads, headSize, epsilon, vocabulary } = plan
  const dims = [positions, headSize / 2]
  const tables = [Math.cos, Math.sin].map((of) => graph.floats(rotationTable(plan, positions, of), dims))
  const lengths = graph.add('ReduceSum', ['attention_mask', graph.ints([1])], { keepdims: { int: 0 } })
  const before = graph.add('Cast', [graph.add('Sub', [lengths, graph.ints([1], true)])], int32)
  const total = graph.add(
    'Cast',
    [graph.add('Gather', [graph.add('Shape', ['attention_mask']), graph.ints([1], true)])],
    int32,
  )
  const norm = (x: string, weight: OnnxWeight) =>
    graph.add('SimplifiedLayerNormalization', [x, graph.weight(weight)], {
      axis: { int: -1 },
      epsilon: { float: epsilon },
      stash_type: { int: 1 },
    })

  const times = (name: string, x: string, dims: readonly [number, number]) => weights.times([{ name, dims }], x)
  const attend = (layer: number, x: string): string => {
    const project = (part: string, count: number) =>
      times(`blk.${layer}.attn_${part}.weight`, x, [count * headSize, width])
    const [q, k, v] = [project('q', heads), project('k', kvHeads), project('v', kvHeads)]
    const past = ['key', 'value'].map((part) => `past_key_values.${layer}.${part}`)
    graph.nodes.push({
      operator: 'GroupQueryAttention',
      domain: microsoft,
      inputs: [q, k, v, ...past, before, total, ...tables],
      outputs: [`attention.${layer}`, `present.${layer}.key`, `present.${layer}.value`],
      attributes: {
        num_heads: { int: heads },
        kv_num_heads: { int: kvHeads },
        scale: { float: headSize ** -0.5 },
        do_rotary: { int: 1 },
        rotary_interleaved: { int: 0 },
      },
    })
    return times(`blk.${layer}.attn_output.weight`, `attention.${layer}`, [width, heads * headSize])
  }
  const feed = (layer: number, x: string): string => {
    const gate = times(`blk.${layer}.ffn_gate.weight`, x, [innerWidth, width])
    const open = graph.add('Mul', [gate, graph.add('Sigmoid', [gate])])
    const up = times(`blk.${layer}.ffn_up.weight`, x, [innerWidth, width])
    return times(`blk.${layer}.ffn_down.weight`, graph.add('Mul', [open, up]), [width, innerWidth])
  }

  const normed = (x: string, name: string) => norm(x, weights.vector(`${name}.weight`, width))

  let x = weights.rows('token_embd.weight', 'input_ids', [vocabulary, width])
  for (let layer = 0; layer < layers; layer += 1) {
    x = graph.add('Add', [x, attend(layer, normed(x, `blk.${layer}.attn_norm`))])
    x = graph.add('Add', [x, feed(layer, normed(x, `blk.${layer}.ffn_norm`))])
  }
  graph.name(weights.head(normed(x, 'output_norm'), [vocabulary, width]), 'logits')

  const cache = cacheTensors(plan)
  return {
    inputs: [
      { name: 'input_ids', type: 'int64', shape: ['batch_size', 'sequence_length'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch_size', 'total_sequence_length'] },
      ...cache('past_key_values', 'past_sequence_length'),
    ],
    outputs: [
      { name: 'logits', type: 'float32', shape: ['batch_size', 'sequence_length', vocabulary] },
      ...cache('present', 'total_sequence_length'),
    ],
    nodes: graph.nodes,
    weights: graph.weights,
    opsets: { '': 18, [microsoft]: 1 },
  }
}
