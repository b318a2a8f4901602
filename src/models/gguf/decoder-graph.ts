import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxWeight } from '../onnx/write-onnx.ts'

/** What a Llama-like decoder is made of. */
export interface DecoderPlan {
  readonly layers: number
  readonly width: number
  readonly heads: number
  readonly kvHeads: number
  readonly headSize: number
  readonly vocabulary: number
  /** Of the rotary positions (Su et al. 2021, RoFormer). */
  readonly theta: number
  /** Of the RMS norms. */
  readonly epsilon: number
  /** Query, key and value have a bias (Qwen 2). */
  readonly hasBias: boolean
  /** Query and key are normed, each head by itself (Qwen 3). */
  readonly hasHeadNorms: boolean
}

/** Weights of a decoder, by the names that llama.cpp gives them. */
export interface DecoderWeights {
  /** A row of numbers. */
  vector(name: string): OnnxWeight
  /** Looks rows up: int64 `ids` [batch, tokens] to float32 [batch, tokens, width]. */
  rows(name: string, ids: string, graph: GraphBuilder): string
  /** `x` [batch, tokens, in] times a matrix of [out, in]: [batch, tokens, out]. */
  times(name: string, x: string, graph: GraphBuilder): string
}

/** Puts a graph together, node by node. */
export interface GraphBuilder {
  /** Adds a node. @returns its output's name */
  add(operator: string, inputs: readonly string[], attributes?: OnnxNode['attributes'], domain?: string): string
  /** Adds a node with several outputs. */
  addMany(operator: string, inputs: readonly string[], outputs: number, attributes?: OnnxNode['attributes']): string[]
  /** Names a node's output. */
  name(output: string, as: string): void
  weight(weight: OnnxWeight): string
  /** A constant of whole numbers. */
  ints(values: readonly number[], asScalar?: boolean): string
  float(value: number): string
  floats(values: Float32Array, dims: readonly number[]): string
}

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

export function createGraphBuilder(): GraphBuilder & { readonly nodes: OnnxNode[]; readonly weights: OnnxWeight[] } {
  const nodes: OnnxNode[] = []
  const weights: OnnxWeight[] = []
  const constants = new Map<string, string>()
  let count = 0
  const next = () => {
    count += 1
    return `t${count}`
  }
  const constant = (
    key: string,
    weight: Omit<OnnxWeight, 'name' | 'bytes' | 'read'>,
    data: ArrayBufferView,
  ): string => {
    const known = constants.get(key)
    if (known !== undefined) return known
    const name = `c${constants.size}`
    constants.set(key, name)
    const bytes = bytesOf(data)
    weights.push({ ...weight, name, bytes: bytes.length, read: () => bytes })
    return name
  }
  const add: GraphBuilder['add'] = (operator, inputs, attributes = {}, domain = undefined) => {
    const output = next()
    nodes.push({ operator, inputs, outputs: [output], attributes, ...(domain === undefined ? {} : { domain }) })
    return output
  }
  return {
    nodes,
    weights,
    add,
    addMany(operator, inputs, outputs, attributes = {}) {
      const names = Array.from({ length: outputs }, next)
      nodes.push({ operator, inputs, outputs: names, attributes })
      return names
    },
    name(output, as) {
      nodes.push({ operator: 'Identity', inputs: [output], outputs: [as] })
    },
    weight(weight) {
      if (!weights.some(({ name }) => name === weight.name)) weights.push(weight)
      return weight.name
    },
    ints: (values, asScalar = false) =>
      constant(
        `i${asScalar}${values}`,
        { type: 'int64', dims: asScalar ? [] : [values.length] },
        BigInt64Array.from(values, BigInt),
      ),
    float: (value) => constant(`f${value}`, { type: 'float32', dims: [] }, Float32Array.of(value)),
    floats: (values, dims) => constant(`a${dims}:${values.join()}`, { type: 'float32', dims }, values),
  }
}

const axis = (int: number): Readonly<Record<string, OnnxAttribute>> => ({ axis: { int } })
const permuted = (...ints: number[]): Readonly<Record<string, OnnxAttribute>> => ({ perm: { ints } })

/** x / sqrt(mean(x²) + ε) · weight, over the last dimension (Zhang and Sennrich 2019, RMSNorm). */
function norm(graph: GraphBuilder, x: string, weight: OnnxWeight, epsilon: number): string {
  const mean = graph.add('ReduceMean', [graph.add('Mul', [x, x]), graph.ints([-1])])
  const root = graph.add('Sqrt', [graph.add('Add', [mean, graph.float(epsilon)])])
  return graph.add('Mul', [graph.add('Div', [x, root]), graph.weight(weight)])
}

/** Cosines and sines of the tokens' positions: [batch, 1, tokens, head size / 2]. */
function rotations(graph: GraphBuilder, { theta, headSize }: DecoderPlan): { cosines: string; sines: string } {
  const half = headSize / 2
  const rates = Float32Array.from({ length: half }, (_, index) => theta ** (-index / half))
  const positions = graph.add('Cast', [graph.add('Unsqueeze', ['position_ids', graph.ints([1, 3])])], {
    to: { int: 1 },
  })
  const angles = graph.add('Mul', [positions, graph.floats(rates, [1, 1, 1, half])])
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

/**
 * A Llama-like decoder as ONNX, in the form of the hub's exports. Attention is written out, which onnxruntime-web's WASM
 * runs several times faster than its fused operator; and logits are those of the last token only.
 */
export function buildDecoder(plan: DecoderPlan, weights: DecoderWeights): OnnxModel {
  const { layers, heads, kvHeads, headSize, epsilon, hasBias, hasHeadNorms, vocabulary } = plan
  const graph = createGraphBuilder()
  const groups = heads / kvHeads
  const turn = rotations(graph, plan)
  const looks = mask(graph)

  /** [batch, tokens, count · size] to [batch, count, tokens, size]. */
  const toHeads = (x: string, count: number, headNorm: OnnxWeight | undefined) => {
    const split = graph.add('Reshape', [x, graph.ints([0, 0, count, headSize])])
    const normed = headNorm === undefined ? split : norm(graph, split, headNorm, epsilon)
    return graph.add('Transpose', [normed], permuted(0, 2, 1, 3))
  }
  const project = (layer: number, part: string, x: string) => {
    const product = weights.times(`blk.${layer}.attn_${part}.weight`, x, graph)
    return hasBias
      ? graph.add('Add', [product, graph.weight(weights.vector(`blk.${layer}.attn_${part}.bias`))])
      : product
  }
  const headNorm = (layer: number, part: string) =>
    hasHeadNorms ? weights.vector(`blk.${layer}.attn_${part}_norm.weight`) : undefined

  const attend = (layer: number, x: string): string => {
    const q = rotate(graph, toHeads(project(layer, 'q', x), heads, headNorm(layer, 'q')), turn, headSize)
    const k = rotate(graph, toHeads(project(layer, 'k', x), kvHeads, headNorm(layer, 'k')), turn, headSize)
    const v = toHeads(project(layer, 'v', x), kvHeads, undefined)
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
    return weights.times(`blk.${layer}.attn_output.weight`, flat, graph)
  }
  /** Shazeer 2020, "GLU Variants Improve Transformer": SwiGLU. */
  const feed = (layer: number, x: string): string => {
    const gate = weights.times(`blk.${layer}.ffn_gate.weight`, x, graph)
    const open = graph.add('Mul', [gate, graph.add('Sigmoid', [gate])])
    const up = weights.times(`blk.${layer}.ffn_up.weight`, x, graph)
    return weights.times(`blk.${layer}.ffn_down.weight`, graph.add('Mul', [open, up]), graph)
  }

  let x = weights.rows('token_embd.weight', 'input_ids', graph)
  for (let layer = 0; layer < layers; layer += 1) {
    x = graph.add('Add', [x, attend(layer, norm(graph, x, weights.vector(`blk.${layer}.attn_norm.weight`), epsilon))])
    x = graph.add('Add', [x, feed(layer, norm(graph, x, weights.vector(`blk.${layer}.ffn_norm.weight`), epsilon))])
  }
  const lastToken = graph.add('Gather', [x, graph.ints([-1])], axis(1))
  const end = norm(graph, lastToken, weights.vector('output_norm.weight'), epsilon)
  graph.name(weights.times('output.weight', end, graph), 'logits')

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
