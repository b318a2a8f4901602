import type { createGraphBuilder, GraphBuilder } from '../onnx/graph-builder.ts'
import type { OnnxAttribute, OnnxModel, OnnxWeight } from '../onnx/write-onnx.ts'
import type { DecoderPlan } from './decoder-plan.ts'

/** Weights of a decoder, by the names that llama.cpp gives them. All throw `gguf-unreadable` for another size. */
export interface DecoderWeights {
  has(name: string): boolean
  /** A row of `size` numbers. */
  vector(name: string, size: number): OnnxWeight
  /** Looks rows of a matrix of `dims` up: int64 `ids` [batch, tokens] to float32 [batch, tokens, width]. */
  rows(name: string, ids: string, dims: readonly [number, number]): string
  /** `x` [batch, tokens, in] times a matrix of [out, in]: [batch, tokens, out]. */
  times(name: string, x: string, dims: readonly [number, number]): string
  /** The last token's state [batch, 1, width] to logits [batch, 1, vocabulary]. */
  head(x: string, dims: readonly [number, number]): string
}

const axis = (int: number): Readonly<Record<string, OnnxAttribute>> => ({ axis: { int } })
const permuted = (...ints: number[]): Readonly<Record<string, OnnxAttribute>> => ({ perm: { ints } })

/** x / sqrt(mean(x²) + ε) · weight, over the last dimension (Zhang and Sennrich 2019, RMSNorm). */
function norm(graph: GraphBuilder, x: string, weight: OnnxWeight, epsilon: number): string {
  const mean = graph.add('ReduceMean', [graph.add('Mul', [x, x]), graph.ints([-1])])
  const root = graph.add('Sqrt', [graph.add('Add', [mean, graph.float(epsilon)])])
  return graph.add('Mul', [graph.add('Div', [x, root]), graph.weight(weight)])
}

const ropeFactors = 'rope_freqs.weight'

/** Cosines and sines of the tokens' positions: [batch, 1, tokens, head size / 2]. */
function rotations(
  graph: GraphBuilder,
  { theta, headSize, positionScale }: DecoderPlan,
  weights: DecoderWeights,
): { cosines: string; sines: string } {
  const half = headSize / 2
  const rates = Float32Array.from({ length: half }, (_, index) => theta ** (-index / half) / positionScale)
  const own = graph.floats(rates, [1, 1, 1, half])
  // Llama 3.1 and later slow some of them down, each by its own factor.
  const slowed = weights.has(ropeFactors)
    ? graph.add('Div', [own, graph.weight(weights.vector(ropeFactors, half))])
    : own
  const positions = graph.add('Cast', [graph.add('Unsqueeze', ['position_ids', graph.ints([1, 3])])], {
    to: { int: 1 },
  })
  const angles = graph.add('Mul', [positions, slowed])
  return { cosines: graph.add('Cos', [angles]), sines: graph.add('Sin', [angles]) }
}

/** Turns the two halves of each head against each other by the token's position: `x` [batch, heads, tokens, size]. */
function rotate(graph: GraphBuilder, x: string, turn: { cosines: string; sines: string }, headSize: number): string {
  const half = headSize / 2
  const [first = '', second = ''] = graph.addMany('Split', [x, graph.ints([half, half])], 2, axis(-1))
  const times = (part: string, by: string) => graph.add('Mul', [part, by])
  const left = graph.add('Sub', [times(first, turn.cosines), times(second, turn.sines)])
  const right = graph.add('Add', [times(second, turn.cosines), times(first, turn.sines)])
  return graph.add('Concat', [left, right], axis(-1))
}

/** 0 where a token may look, a large negative number where it may not: [batch, 1, 1, tokens, past + tokens]. */
function mask(graph: GraphBuilder): string {
  const total = graph.add('Gather', [graph.add('Shape', ['attention_mask']), graph.ints([1], true)])
  const places = graph.add('Range', [graph.ints([0], true), total, graph.ints([1], true)])
  const isBefore = graph.add('LessOrEqual', [places, graph.add('Unsqueeze', ['position_ids', graph.ints([1, 2, 4])])])
  const isText = graph.add('Cast', [graph.add('Unsqueeze', ['attention_mask', graph.ints([1, 2, 3])])], {
    to: { int: 9 },
  })
  const mayLook = graph.add('And', [isBefore, isText])
  return graph.add('Where', [mayLook, graph.float(0), graph.float(-3.4028234663852886e38)])
}

type DecoderGraph = ReturnType<typeof createGraphBuilder>

/**
 * A Llama-like decoder as ONNX, in the form of the hub's exports. Attention is written out, which onnxruntime-web's WASM
 * runs several times faster than its fused operator; and logits are those of the last token only.
 */
export function buildDecoder(plan: DecoderPlan, graph: DecoderGraph, weights: DecoderWeights): OnnxModel {
  const { layers, width, innerWidth, heads, kvHeads, headSize, epsilon, vocabulary } = plan
  const groups = heads / kvHeads
  const turn = rotations(graph, plan, weights)
  const looks = mask(graph)

  /** [batch, tokens, count · size] to [batch, count, tokens, size]. */
  const toHeads = (x: string, count: number, headNorm: OnnxWeight | undefined) => {
    const split = graph.add('Reshape', [x, graph.ints([0, 0, count, headSize])])
    const normed = headNorm === undefined ? split : norm(graph, split, headNorm, epsilon)
    return graph.add('Transpose', [normed], permuted(0, 2, 1, 3))
  }
  /** A matrix, and a bias where the file has one (Qwen 2). */
  const project = (name: string, x: string, dims: readonly [number, number]) => {
    const product = weights.times(`${name}.weight`, x, dims)
    const bias = `${name}.bias`
    return weights.has(bias) ? graph.add('Add', [product, graph.weight(weights.vector(bias, dims[0]))]) : product
  }
  /** Of query and key, each head by itself (Qwen 3). */
  const headNorm = (name: string) => (weights.has(name) ? weights.vector(name, headSize) : undefined)
  const toQuery = (layer: number, part: 'q' | 'k', x: string, count: number) => {
    const name = `blk.${layer}.attn_${part}`
    const split = toHeads(project(name, x, [count * headSize, width]), count, headNorm(`${name}_norm.weight`))
    return rotate(graph, split, turn, headSize)
  }

  const attend = (layer: number, x: string): string => {
    const q = toQuery(layer, 'q', x, heads)
    const k = toQuery(layer, 'k', x, kvHeads)
    const v = toHeads(project(`blk.${layer}.attn_v`, x, [kvHeads * headSize, width]), kvHeads, undefined)
    const keys = graph.add('Concat', [`past_key_values.${layer}.key`, k], axis(2))
    const values = graph.add('Concat', [`past_key_values.${layer}.value`, v], axis(2))
    graph.name(keys, `present.${layer}.key`)
    graph.name(values, `present.${layer}.value`)
    // The heads that share keys lie side by side: one product for all of them, and the keys are not repeated.
    const scaled = graph.add('Mul', [q, graph.float(headSize ** -0.5)])
    const together = graph.add('Reshape', [scaled, graph.ints([0, kvHeads, -1, headSize])])
    const scores = graph.add('MatMul', [together, graph.add('Transpose', [keys], permuted(0, 1, 3, 2))])
    const tokens = graph.add('Gather', [graph.add('Shape', ['input_ids']), graph.ints([1])])
    const last = graph.ints([-1])
    const apart = graph.add('Concat', [graph.ints([0, kvHeads, groups]), tokens, last], axis(0))
    const masked = graph.add('Add', [graph.add('Reshape', [scores, apart]), looks])
    const shares = graph.add('Softmax', [masked], axis(-1))
    const rejoined = graph.add(
      'Concat',
      [graph.ints([0, kvHeads]), graph.add('Mul', [tokens, graph.ints([groups])]), last],
      axis(0),
    )
    const mixed = graph.add('MatMul', [graph.add('Reshape', [shares, rejoined]), values])
    const byHead = graph.add('Concat', [graph.ints([0, heads]), tokens, graph.ints([headSize])], axis(0))
    const side = graph.add('Transpose', [graph.add('Reshape', [mixed, byHead])], permuted(0, 2, 1, 3))
    const flat = graph.add('Reshape', [side, graph.ints([0, 0, heads * headSize])])
    return project(`blk.${layer}.attn_output`, flat, [width, heads * headSize])
  }
  /** Shazeer 2020, "GLU Variants Improve Transformer": SwiGLU. */
  const feed = (layer: number, x: string): string => {
    const gate = project(`blk.${layer}.ffn_gate`, x, [innerWidth, width])
    const open = graph.add('Mul', [gate, graph.add('Sigmoid', [gate])])
    const up = project(`blk.${layer}.ffn_up`, x, [innerWidth, width])
    return project(`blk.${layer}.ffn_down`, graph.add('Mul', [open, up]), [width, innerWidth])
  }
  const normed = (name: string, x: string) => norm(graph, x, weights.vector(`${name}.weight`, width), epsilon)

  let x = weights.rows('token_embd.weight', 'input_ids', [vocabulary, width])
  for (let layer = 0; layer < layers; layer += 1) {
    x = graph.add('Add', [x, attend(layer, normed(`blk.${layer}.attn_norm`, x))])
    x = graph.add('Add', [x, feed(layer, normed(`blk.${layer}.ffn_norm`, x))])
  }
  const lastToken = graph.add('Gather', [x, graph.ints([-1])], axis(1))
  graph.name(weights.head(normed('output_norm', lastToken), [vocabulary, width]), 'logits')

  const cache = (name: string, length: string) =>
    Array.from({ length: layers }, (_, layer) =>
      ['key', 'value'].map((part) => ({
        name: `${name}.${layer}.${part}`,
        type: 'float32' as const,
        shape: ['batch_size', kvHeads, length, headSize],
      })),
    ).flat()
  return {
    inputs: [
      { name: 'input_ids', type: 'int64', shape: ['batch_size', 'sequence_length'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch_size', 'total_sequence_length'] },
      { name: 'position_ids', type: 'int64', shape: ['batch_size', 'sequence_length'] },
      ...cache('past_key_values', 'past_sequence_length'),
    ],
    outputs: [
      { name: 'logits', type: 'float32', shape: ['batch_size', 1, vocabulary] },
      ...cache('present', 'total_sequence_length'),
    ],
    nodes: graph.nodes,
    weights: graph.weights,
    opsets: { '': 18, 'com.microsoft': 1 },
  }
}
