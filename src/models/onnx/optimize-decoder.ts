import type { ByteSource } from './byte-source.ts'
import { createGraphBuilder } from './graph-builder.ts'
import { findCut } from './last-logits.ts'
import { unsupported } from './onnx-cursor.ts'
import { type GraphNode, type OpenGraph, openGraph } from './open-graph.ts'
import type { OnnxElement, OnnxNode } from './write-onnx.ts'
import { writeOutAttention } from './write-out-attention.ts'

/** A decoder's graph, rewritten for WASM. */
export interface OptimizedDecoder {
  /** Fused attentions that were written out. */
  readonly attentions: number
  /** Logits are those of the last token alone now. They were so before, or can't be made so, where this is false. */
  readonly cutsLogits: boolean
  /** The file, piece by piece; may be asked for several times. Weights beside it are those of before. */
  pieces(): AsyncIterable<Uint8Array>
}

/** A beginning of names that none in the graph has: it may have been rewritten before. */
function freePrefix({ nodes, weights }: OpenGraph): string {
  const names = [...weights.keys(), ...nodes.flatMap(({ outputs }) => outputs)]
  let prefix = 'hither.'
  while (names.some((name) => name.startsWith(prefix))) prefix = `hither.${prefix}`
  return prefix
}

const float32 = 1
const elements: Readonly<Record<number, OnnxElement>> = { 1: 'float32', 10: 'float16' }

/**
 * Rewrites a decoder in the form of the hub's exports so that WASM runs it fast: attention is written out as products
 * and a softmax, and logits are computed for the last token alone. It is for one text at a time, without padding. What
 * it answers stays the same.
 *
 * @throws {ModelError} `onnx-unreadable`; `onnx-unsupported`: it is no such decoder, or has an attention of another kind
 */
export async function optimizeDecoder(source: ByteSource): Promise<OptimizedDecoder> {
  const file = await openGraph(source)
  const logits = file.outputs.find(({ name }) => name === 'logits')
  if (logits === undefined || !file.inputs.some(({ name }) => name === 'input_ids')) {
    throw unsupported('it is no decoder, which takes "input_ids" and gives "logits"')
  }
  if (file.opset < 13) throw unsupported(`it has the operators of version ${file.opset}; 13 and later are rewritten`)
  const constants = new Set(
    file.nodes.filter(({ operator }) => operator === 'Constant').flatMap(({ outputs }) => outputs),
  )
  const isCut = logits.shape?.[1] === 1
  const cut = isCut
    ? undefined
    : findCut(
        file.nodes,
        new Set(file.outputs.map(({ name }) => name)),
        (name) => file.weights.has(name) || constants.has(name),
      )

  const prefix = freePrefix(file)
  const graph = createGraphBuilder(prefix)
  const place = {
    graph,
    dimsOf: (name: string) => file.weights.get(name) ?? file.inputs.find((input) => input.name === name)?.shape,
    shared: new Map<string, string>(),
  }
  const after: (GraphNode | OnnxNode)[] = []
  let attentions = 0
  /** Nodes that the builder has added since it was asked the last time. */
  const added = () => graph.nodes.splice(0)
  const last = `${prefix}last`
  for (const node of file.nodes) {
    if (node.operator === 'GroupQueryAttention' && node.domain === 'com.microsoft') {
      const past = file.inputs.find(({ name }) => name === node.inputs[3])
      if (past?.type !== float32)
        throw unsupported('its cache has other numbers than float32, which WASM is not faster with')
      writeOutAttention(node, place)
      after.push(...added())
      attentions += 1
    } else {
      const isAfter = cut?.after.has(node) === true && node.inputs.includes(cut.value)
      after.push(isAfter ? { ...node, renamed: new Map([[cut.value, last]]) } : node)
    }
    if (cut !== undefined && node.outputs.includes(cut.value)) {
      const cutting = graph.add('Gather', [cut.value, graph.ints([-1])], { axis: { int: 1 } })
      graph.name(cutting, last)
      after.push(...added())
    }
  }
  const type = elements[logits.type ?? 0]
  const vocabulary = logits.shape?.at(-1)
  const shape = ['batch_size', 1, vocabulary === undefined || vocabulary < 0 ? 'vocabulary' : vocabulary]
  const outputs = cut === undefined || type === undefined ? [] : [{ name: 'logits', type, shape }]
  return {
    attentions,
    cutsLogits: cut !== undefined,
    pieces: () => file.write({ nodes: after, weights: graph.weights, outputs }),
  }
}
