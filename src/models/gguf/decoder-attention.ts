import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { OnnxAttribute } from '../onnx/write-onnx.ts'
import type { DecoderPlan } from './decoder-plan.ts'

/**
 * What a decoder's graph gives of its cache.
 *
 * - `present`: all keys and values, the earlier ones and the new ones, as the hub's exports do. Other programs run it.
 * - `new`: those of the tokens that were read alone. The caller keeps the cache, in places that may be empty, and nothing
 *   of it is joined or copied out of a run.
 */
export type CacheOutputs = 'present' | 'new'

const axis = (int: number): Readonly<Record<string, OnnxAttribute>> => ({ axis: { int } })
const permuted = (...ints: number[]): Readonly<Record<string, OnnxAttribute>> => ({ perm: { ints } })

/**
 * 0 where a token may look, a large negative number where it may not: [batch, 1, groups · tokens, past + tokens], for the
 * heads that share keys one after another.
 *
 * @param at the tokens' positions, [batch, tokens]
 */
function mask(graph: GraphBuilder, groups: number, at: string): string {
  // The mask counts as positions what is text; in a cache with empty places, the place says nothing.
  const counted = graph.add('CumSum', ['attention_mask', graph.ints([1], true)])
  const positions = graph.add('Unsqueeze', [graph.add('Sub', [counted, graph.ints([1])]), graph.ints([1, 2])])
  const isBefore = graph.add('LessOrEqual', [positions, graph.add('Unsqueeze', [at, graph.ints([1, 3])])])
  const isText = graph.add('Cast', [graph.add('Unsqueeze', ['attention_mask', graph.ints([1, 2])])], {
    to: { int: 9 },
  })
  const mayLook = graph.add('And', [isBefore, isText])
  const looks = graph.add('Where', [mayLook, graph.float(0), graph.float(-3.4028234663852886e38)])
  return graph.add('Concat', Array<string>(groups).fill(looks), axis(2))
}

/** Shapes that all layers share. */
function attentionShapes(graph: GraphBuilder, { heads, headSize }: DecoderPlan) {
  const size = (of: string, at: number) => graph.add('Gather', [graph.add('Shape', [of]), graph.ints([at])])
  const tokens = size('input_ids', 1)
  const shape = (...parts: readonly string[]) => graph.add('Concat', parts, axis(0))
  return {
    /** Of what so many tokens have gathered, head by head. */
    byHead: (asking: string) => shape(graph.ints([0, heads]), asking, graph.ints([headSize])),
    tokens,
    size,
    /** Places of the cache, and tokens that are read: made where it is asked for. */
    parts: () => shape(size('past_key_values.0.value', 2), tokens),
  }
}

/**
 * Attention of Ainslie et al. 2023 ("GQA"), written out as products and a softmax: onnxruntime-web's WASM runs that
 * several times faster than its fused operator.
 *
 * @returns of a layer's queries [batch, heads, tokens, size], keys and values [batch, kvHeads, tokens, size]: what the
 *   tokens have gathered, [batch, tokens, heads · size]. Queries and keys are turned by their positions, and scaled, so
 *   that their products are scores; keys and values that are to be given have the names of outputs
 */
export function createAttention(graph: GraphBuilder, plan: DecoderPlan, outputs: CacheOutputs) {
  const { heads, kvHeads, headSize } = plan
  const groups = heads / kvHeads
  const { byHead, parts, tokens, size } = attentionShapes(graph, plan)
  const allTokens = { looks: mask(graph, groups, 'position_ids'), byHead: byHead(tokens) }
  const places = outputs === 'new' ? parts() : ''
  const times = (a: string, b: string) => graph.add('MatMul', [a, b])
  const turned = (keys: string) => graph.add('Transpose', [keys], permuted(0, 1, 3, 2))

  /** Scores of all keys, and what mixes all values by their shares. */
  const toPresent = (layer: number, q: string, k: string, v: string) => {
    const keys = graph.add('Concat', [`past_key_values.${layer}.key`, k], axis(2))
    const values = graph.add('Concat', [`past_key_values.${layer}.value`, v], axis(2))
    graph.name(keys, `present.${layer}.key`)
    graph.name(values, `present.${layer}.value`)
    return { scores: times(q, turned(keys)), mix: (shares: string) => times(shares, values) }
  }
  /** The same, of the cache and of the new ones by themselves. */
  const toNew = (layer: number, q: string, k: string, v: string) => {
    const [keys, values] = [`past_key_values.${layer}.key`, `past_key_values.${layer}.value`]
    return {
      scores: graph.add('Concat', [times(q, keys), times(q, turned(k))], axis(-1)),
      mix(shares: string) {
        const [before = '', now = ''] = graph.addMany('Split', [shares, places], 2, axis(-1))
        return graph.add('Add', [times(before, values), times(now, v)])
      },
    }
  }

  /** @param someAt positions of the queries' tokens, where those are not all that are read: [batch, asking tokens] */
  return (layer: number, q: string, k: string, v: string, someAt?: string): string => {
    const { looks, byHead: shape } =
      someAt === undefined ? allTokens : { looks: mask(graph, groups, someAt), byHead: byHead(size(someAt, 1)) }
    // The heads that share keys lie side by side: one product for all of them, and the keys are not repeated.
    const together = graph.add('Reshape', [q, graph.ints([0, kvHeads, -1, headSize])])
    const { scores, mix } = (outputs === 'new' ? toNew : toPresent)(layer, together, k, v)
    const shares = graph.add('Softmax', [graph.add('Add', [scores, looks])], axis(-1))
    const side = graph.add('Transpose', [graph.add('Reshape', [mix(shares), shape])], permuted(0, 2, 1, 3))
    return graph.add('Reshape', [side, graph.ints([0, 0, heads * headSize])])
  }
}

/**
 * Descriptions of the keys and values of all layers. Those before are [batch, kvHeads, places, size], but keys of a graph
 * that gives the new ones alone are [batch, kvHeads, size, places]: as its product wants them.
 */
export function cacheTensors({ layers, kvHeads, headSize }: DecoderPlan) {
  return (name: 'past_key_values' | CacheOutputs, length: string, isTurned = false) =>
    Array.from({ length: layers }, (_, layer) =>
      ['key', 'value'].map((part) => ({
        name: `${name}.${layer}.${part}`,
        type: 'float32' as const,
        shape: ['batch_size', kvHeads, ...(isTurned && part === 'key' ? [headSize, length] : [length, headSize])],
      })),
    ).flat()
}
