import type { createGraphBuilder, GraphBuilder } from '../onnx/graph-builder.ts'
import type { OnnxAttribute, OnnxModel, OnnxWeight } from '../onnx/write-onnx.ts'
import { type CacheOutputs, cacheTensors, createAttention } from './decoder-attention.ts'
import type { DecoderPlan } from './decoder-plan.ts'

/** Weights of a decoder, by the names that llama.cpp gives them. All throw `gguf-unreadable` for another size. */
export interface DecoderWeights {
  has(name: string): boolean
  /** A row of `size` numbers. */
  vector(name: string, size: number): OnnxWeight
  /** Looks rows of a matrix of `dims` up: int64 `ids` [batch, tokens] to float32 [batch, tokens, width]. */
  rows(name: string, ids: string, dims: readonly [number, number]): string
  /**
   * `x` [batch, tokens, in] times matrices of [out, in], side by side: [batch, tokens, sum of out]. Together they cost
   * less than one by one.
   */
  times(matrices: readonly { readonly name: string; readonly dims: readonly [number, number] }[], x: string): string
  /**
   * Tokens' states [batch, tokens, width] to logits [batch, tokens, vocabulary].
   *
   * @param rows of which tokens, which may be none. Default: of all
   */
  head(x: string, dims: readonly [number, number], rows?: string): string
}

const axis = (int: number): Readonly<Record<string, OnnxAttribute>> => ({ axis: { int } })
const permuted = (...ints: number[]): Readonly<Record<string, OnnxAttribute>> => ({ perm: { ints } })

/**
 * x / sqrt(mean(x²) + ε) · weight, over the last dimension (Zhang and Sennrich 2019, RMSNorm), as the one operator that
 * onnxruntime has for it: at a single token, a node costs WASM more than its numbers.
 */
function norm(graph: GraphBuilder, x: string, weight: OnnxWeight, epsilon: number): string {
  const attributes = { ...axis(-1), epsilon: { float: epsilon }, stash_type: { int: 1 } }
  return graph.add('SimplifiedLayerNormalization', [x, graph.weight(weight)], attributes)
}

const ropeFactors = 'rope_freqs.weight'

/** Cosines and sines of the tokens' positions, for both halves of a head, and scaled: [batch, 1, tokens, head size]. */
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
  // Queries and keys have half of their product's scale each, 1 / sqrt(head size), where it costs nothing.
  const scaled = (x: string) => graph.add('Mul', [x, graph.float(headSize ** -0.25)])
  const [cosines, sines] = [scaled(graph.add('Cos', [angles])), scaled(graph.add('Sin', [angles]))]
  const both = (first: string, second: string) => graph.add('Concat', [first, second], axis(-1))
  return { cosines: both(cosines, cosines), sines: both(graph.add('Neg', [sines]), sines) }
}

/** Turns the two halves of each head against each other by the token's position: `x` [batch, heads, tokens, size]. */
function rotate(
  graph: GraphBuilder,
  x: string,
  turn: { cosines: string; sines: string },
  headSize: number,
  name?: string | undefined,
): string {
  const half = headSize / 2
  const [first = '', second = ''] = graph.addMany('Split', [x, graph.ints([half, half])], 2, axis(-1))
  const crossed = graph.add('Mul', [graph.add('Concat', [second, first], axis(-1)), turn.sines])
  const [turned = ''] = graph.addMany('Add', [graph.add('Mul', [x, turn.cosines]), crossed], [name])
  return turned
}

type DecoderGraph = ReturnType<typeof createGraphBuilder>

/**
 * A Llama-like decoder as ONNX. Logits are those of the last token only, and so is what nothing but logits needs: the last
 * layer's attention and products. With `new`, logits are given where `logit_rows` is [0], and none where it is empty, as
 * while a prompt is read.
 *
 * @param outputs what it gives of its cache; with `present` it has the form of the hub's exports
 */
export function buildDecoder(
  plan: DecoderPlan,
  graph: DecoderGraph,
  weights: DecoderWeights,
  outputs: CacheOutputs,
): OnnxModel {
  const { layers, width, innerWidth, heads, kvHeads, headSize, epsilon, vocabulary } = plan
  const turn = rotations(graph, plan, weights)
  const attention = createAttention(graph, plan, outputs)

  /** Products with several matrices side by side, and their biases where the file has some (Qwen 2). */
  const project = (names: readonly string[], x: string, sizes: readonly number[], from = width) => {
    const product = weights.times(
      names.map((name, index) => ({ name: `${name}.weight`, dims: [sizes[index] ?? 0, from] as const })),
      x,
    )
    const hasBias = (name: string) => weights.has(`${name}.bias`)
    if (!names.some(hasBias)) return product
    const biases = names.map((name, index) => {
      const size = sizes[index] ?? 0
      return hasBias(name)
        ? graph.weight(weights.vector(`${name}.bias`, size))
        : graph.floats(new Float32Array(size), [size])
    })
    const [bias = ''] = biases
    return graph.add('Add', [product, biases.length === 1 ? bias : graph.add('Concat', biases, axis(0))])
  }
  const given = (layer: number, part: string) => (outputs === 'new' ? `new.${layer}.${part}` : undefined)

  /** The heads of one product or of several side by side, [batch, heads, tokens, size]. */
  const toHeads = (layer: number, parts: readonly ('q' | 'k' | 'v')[], x: string): string => {
    const name = (part: string) => `blk.${layer}.attn_${part}`
    const counts = parts.map((part) => (part === 'q' ? heads : kvHeads))
    const all = counts.reduce((sum, count) => sum + count, 0)
    const widths = counts.map((count) => count * headSize)
    const flat = project(parts.map(name), x, widths)
    const apart = graph.add('Reshape', [flat, graph.ints([0, 0, all, headSize])])
    // Qwen 3 has a norm of each query and key by itself.
    const normOf = (part: string) => `${name(part)}_norm.weight`
    const isNormed = parts.some((part) => weights.has(normOf(part)))
    if (!isNormed) return graph.add('Transpose', [apart], permuted(0, 2, 1, 3))
    const normed = graph.addMany('Split', [apart, graph.ints(counts)], parts.length, axis(2)).map((own, index) => {
      const weight = normOf(parts[index] ?? '')
      return weights.has(weight) ? norm(graph, own, weights.vector(weight, headSize), epsilon) : own
    })
    return graph.add('Transpose', [graph.add('Concat', normed, axis(2))], permuted(0, 2, 1, 3))
  }
  const output = (layer: number, x: string) => project([`blk.${layer}.attn_output`], x, [width], heads * headSize)
  const attend = (layer: number, x: string): string => {
    const parts = graph.ints([heads + kvHeads, kvHeads])
    const split = [toHeads(layer, ['q', 'k', 'v'], x), parts]
    const [both = '', v = ''] = graph.addMany('Split', split, [undefined, given(layer, 'value')], axis(1))
    // Turned together: a single token's heads are few numbers, and each node has its price.
    const turned = [rotate(graph, both, turn, headSize), graph.ints([heads, kvHeads])]
    const [q = '', k = ''] = graph.addMany('Split', turned, [undefined, given(layer, 'key')], axis(1))
    return output(layer, attention(layer, q, k, v))
  }
  const pickLast = (x: string, at: number) => graph.add('Gather', [x, graph.ints([-1])], axis(at))
  /** Only the last token asks; what it looks at is the keys and values of all. */
  const attendLast = (layer: number, x: string): string => {
    const split = [toHeads(layer, ['k', 'v'], x), graph.ints([kvHeads, kvHeads])]
    const [flat = '', v = ''] = graph.addMany('Split', split, [undefined, given(layer, 'value')], axis(1))
    const k = rotate(graph, flat, turn, headSize, given(layer, 'key'))
    const ownTurn = { cosines: pickLast(turn.cosines, 2), sines: pickLast(turn.sines, 2) }
    const q = rotate(graph, toHeads(layer, ['q'], pickLast(x, 1)), ownTurn, headSize)
    return output(layer, attention(layer, q, k, v, pickLast('position_ids', 1)))
  }
  /** Shazeer 2020, "GLU Variants Improve Transformer": SwiGLU. */
  const feed = (layer: number, x: string): string => {
    const both = project([`blk.${layer}.ffn_gate`, `blk.${layer}.ffn_up`], x, [innerWidth, innerWidth])
    const [gate = '', up = ''] = graph.addMany('Split', [both, graph.ints([innerWidth, innerWidth])], 2, axis(-1))
    const open = graph.add('Mul', [gate, graph.add('Sigmoid', [gate])])
    return project([`blk.${layer}.ffn_down`], graph.add('Mul', [open, up]), [width], innerWidth)
  }
  /** x and y added, and the norm of that, in one node. */
  const addNormed = (name: string, x: string, y: string): readonly [sum: string, normed: string] => {
    const weight = graph.weight(weights.vector(`${name}.weight`, width))
    const wanted = [undefined, '', '', undefined]
    const attributes = { epsilon: { float: epsilon } }
    const given = graph.addMany('SkipSimplifiedLayerNormalization', [x, y, weight], wanted, attributes, 'com.microsoft')
    return [given[3] ?? '', given[0] ?? '']
  }

  let x = weights.rows('token_embd.weight', 'input_ids', [vocabulary, width])
  let normed = norm(graph, x, weights.vector('blk.0.attn_norm.weight', width), epsilon)
  for (let layer = 0; layer < layers; layer += 1) {
    const isLast = layer + 1 === layers
    const seen = isLast ? attendLast(layer, normed) : attend(layer, normed)
    ;[x, normed] = addNormed(`blk.${layer}.ffn_norm`, isLast ? pickLast(x, 1) : x, seen)
    ;[x, normed] = addNormed(isLast ? 'output_norm' : `blk.${layer + 1}.attn_norm`, x, feed(layer, normed))
  }
  const rows = outputs === 'new' ? 'logit_rows' : undefined
  graph.name(weights.head(normed, [vocabulary, width], rows), 'logits')

  const cache = cacheTensors(plan)
  return {
    inputs: [
      { name: 'input_ids', type: 'int64', shape: ['batch_size', 'sequence_length'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch_size', 'total_sequence_length'] },
      { name: 'position_ids', type: 'int64', shape: ['batch_size', 'sequence_length'] },
      ...(outputs === 'new' ? [{ name: 'logit_rows', type: 'int64' as const, shape: ['logits_length'] }] : []),
      ...cache('past_key_values', 'past_sequence_length', outputs === 'new'),
    ],
    outputs: [
      { name: 'logits', type: 'float32', shape: ['batch_size', outputs === 'new' ? 'logits_length' : 1, vocabulary] },
      ...cache(outputs, outputs === 'new' ? 'sequence_length' : 'total_sequence_length'),
    ],
    nodes: graph.nodes,
    weights: graph.weights,
    opsets: { '': 18, 'com.microsoft': 1 },
  }
}
