import type { GraphBuilder } from './graph-builder.ts'
import { unsupported } from './onnx-cursor.ts'
import type { GraphNode } from './open-graph.ts'

/** What is known of a graph beside a node. */
export interface AttentionPlace {
  readonly graph: GraphBuilder
  /** Dimensions of a weight, or of an input of the graph. */
  dimsOf(name: string): readonly number[] | undefined
  /** Values that all layers share, once they are made. */
  readonly shared: Map<string, string>
}

const axis = (int: number) => ({ axis: { int } })
const permuted = (...ints: number[]) => ({ perm: { ints } })

/** Settings that would make another attention of it, and the value with which they do nothing. */
const withoutEffect: Readonly<Record<string, number>> = {
  rotary_interleaved: 0,
  smooth_softmax: 0,
  softcap: 0,
  qk_output: 0,
  k_quant_type: 0,
  v_quant_type: 0,
}

/**
 * Writes a GroupQueryAttention out as products and a softmax, for one text at a time without padding. On WASM the fused
 * operator reads a prompt several times slower.
 *
 * Source: `com.microsoft.GroupQueryAttention` of https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * @throws {ModelError} `onnx-unsupported`: it has a setting that is not written out here
 */
export function writeOutAttention(node: GraphNode, { graph, dimsOf, shared }: AttentionPlace): void {
  const { inputs, outputs, numbers } = node
  const [query = '', key = '', value = '', pastKey = '', pastValue = '', , , cosCache = '', sinCache = ''] = inputs
  const [positionIds = '', bias = ''] = inputs.slice(9)
  const [output = '', presentKey = '', presentValue = ''] = outputs
  const refuse = (why: string) => unsupported(`its attention ${why}, which is not written out here`)
  for (const [name, nothing] of Object.entries(withoutEffect)) {
    const stated = numbers.get(name)
    if (stated !== undefined && stated !== nothing) throw refuse(`has "${name}" ${stated}`)
  }
  if (inputs.slice(11).some((name) => name !== '')) throw refuse('has sinks or scales')
  const heads = numbers.get('num_heads') ?? 0
  const kvHeads = numbers.get('kv_num_heads') ?? 0
  const headSize = dimsOf(pastKey)?.[3] ?? -1
  if (heads < 1 || kvHeads < 1 || headSize < 1) throw refuse('does not say its sizes')
  const window = numbers.get('local_window_size') ?? -1
  const scale = numbers.get('scale') || headSize ** -0.5
  const once = (name: string, make: () => string): string => {
    const made = shared.get(name) ?? make()
    shared.set(name, made)
    return made
  }
  const size = (of: string, at: number) => graph.add('Gather', [graph.add('Shape', [of]), graph.ints([at])])

  const [q, k, v] =
    key === ''
      ? graph.addMany(
          'Split',
          [query, graph.ints([heads * headSize, kvHeads * headSize, kvHeads * headSize])],
          3,
          axis(-1),
        )
      : [query, key, value]
  const toHeads = (x: string, count: number) =>
    graph.add('Transpose', [graph.add('Reshape', [x, graph.ints([0, 0, count, headSize])])], permuted(0, 2, 1, 3))

  const tokens = once('tokens', () => size(query, 1))
  const past = once('past', () => size(pastKey, 2))
  const scalar = (name: string, of: string) => once(name, () => graph.add('Squeeze', [of, graph.ints([0])]))
  const total = once('total', () => graph.add('Add', [past, tokens]))
  const range = (from: string, to: string) => graph.add('Range', [from, to, graph.ints([1], true)])
  /** Of the tokens that are read: [tokens]. */
  const places = once('places', () => range(scalar('pastScalar', past), scalar('totalScalar', total)))

  const turn = (x: string, count: number): string => {
    const split = toHeads(x, count)
    if (numbers.get('do_rotary') !== 1) return split
    const half = dimsOf(cosCache)?.[1]
    if (half === undefined || 2 * half !== headSize) throw refuse('turns a part of each head')
    const at =
      positionIds === ''
        ? places
        : once(`ids ${positionIds}`, () => graph.add('Reshape', [positionIds, graph.ints([-1])]))
    const [cos, sin] = [cosCache, sinCache].map((cache) =>
      once(`${cache} ${at}`, () => graph.add('Gather', [cache, at])),
    )
    const [first = '', second = ''] = graph.addMany('Split', [split, graph.ints([half, half])], 2, axis(-1))
    const times = (part: string, by = '') => graph.add('Mul', [part, by])
    const left = graph.add('Sub', [times(first, cos), times(second, sin)])
    const right = graph.add('Add', [times(second, cos), times(first, sin)])
    return graph.add('Concat', [left, right], axis(-1))
  }

  const grow = (before: string, now: string, as: string) => graph.name(graph.add('Concat', [before, now], axis(2)), as)
  grow(pastKey, turn(k ?? '', kvHeads), presentKey)
  grow(pastValue, toHeads(v ?? '', kvHeads), presentValue)

  /** 0 where a token may look, a large negative number where it may not: [tokens, past + tokens]. */
  const looks = once(`looks ${window}`, () => {
    const all = range(graph.ints([0], true), scalar('totalScalar', total))
    const rows = graph.add('Unsqueeze', [places, graph.ints([1])])
    const isBefore = graph.add('LessOrEqual', [all, rows])
    const isNear =
      window < 0
        ? isBefore
        : graph.add('And', [isBefore, graph.add('Greater', [all, graph.add('Sub', [rows, graph.ints([window])])])])
    return graph.add('Where', [isNear, graph.float(0), graph.float(-3.4028234663852886e38)])
  })
  const groups = heads / kvHeads
  const scaled = graph.add('Mul', [turn(q ?? '', heads), graph.float(scale)])
  // The heads that share keys lie side by side: one product for all of them, and the keys are not repeated.
  const together = graph.add('Reshape', [scaled, graph.ints([0, kvHeads, -1, headSize])])
  const scores = graph.add('MatMul', [together, graph.add('Transpose', [presentKey], permuted(0, 1, 3, 2))])
  const shape = (...parts: string[]) => graph.add('Concat', parts, axis(0))
  const rest = graph.ints([-1])
  const apart = once('apart', () => shape(graph.ints([0, heads]), tokens, rest))
  const byHead = graph.add('Add', [graph.add('Reshape', [scores, apart]), looks])
  const biased = bias === '' ? byHead : graph.add('Add', [byHead, bias])
  const shares = graph.add('Softmax', [biased], axis(-1))
  const rejoined = once('rejoined', () =>
    shape(graph.ints([0, kvHeads]), graph.add('Mul', [tokens, graph.ints([groups])]), rest),
  )
  const mixed = graph.add('MatMul', [graph.add('Reshape', [shares, rejoined]), presentValue])
  const split = once('split', () => shape(graph.ints([0, heads]), tokens, graph.ints([headSize])))
  const side = graph.add('Transpose', [graph.add('Reshape', [mixed, split])], permuted(0, 2, 1, 3))
  graph.name(graph.add('Reshape', [side, graph.ints([0, 0, heads * headSize])]), output)
}
