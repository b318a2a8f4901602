import { PbfReader, PbfWriter } from 'pbf'
import type { ByteSource } from './byte-source.ts'
import { createOnnxCursor, type Field, unreadable } from './onnx-cursor.ts'
import { readValueInfo, type ValueInfo } from './read-value-info.ts'
import {
  graphHead,
  nodeField,
  type OnnxNode,
  type OnnxValue,
  type OnnxWeight,
  outputField,
  weightFields,
} from './write-onnx.ts'

/** A node as the file has it. */
export interface GraphNode {
  readonly operator: string
  /** `''` is ONNX's own. */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Attributes that are a number: whole ones and floats. */
  readonly numbers: ReadonlyMap<string, number>
  /** Where it stands in the file. */
  readonly field: Field
  /** Inputs that it takes under another name now, by the one in the file. */
  readonly renamed?: ReadonlyMap<string, string>
}

/** What becomes of a graph. */
export interface GraphChanges {
  /** In the order in which they run; those of the file and new ones. */
  readonly nodes: readonly (GraphNode | OnnxNode)[]
  readonly weights: readonly OnnxWeight[]
  /** Outputs of the graph whose shape is another one now. */
  readonly outputs: readonly OnnxValue[]
}

/** The graph of an ONNX file, to be changed. Weights stay in the file. */
export interface OpenGraph {
  readonly nodes: readonly GraphNode[]
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  /** Names and dimensions of its weights. */
  readonly weights: ReadonlyMap<string, readonly number[]>
  /** The version of ONNX's own operators. */
  readonly opset: number
  /** The whole model with the changes, piece by piece: all that is not changed is copied byte by byte. */
  write(changes: GraphChanges): AsyncGenerator<Uint8Array>
}

const isOfFile = (node: GraphNode | OnnxNode): node is GraphNode => 'field' in node

/** NodeProto: input 1, output 2, op_type 4, attribute 5, domain 7. AttributeProto: name 1, f 2, i 3. */
function readNode(bytes: Uint8Array, field: Field): GraphNode {
  const numbers = new Map<string, number>()
  const node = { operator: '', domain: '', inputs: [] as string[], outputs: [] as string[] }
  try {
    new PbfReader(bytes).readFields((tag, _, pbf) => {
      if (tag === 1) node.inputs.push(pbf.readString())
      else if (tag === 2) node.outputs.push(pbf.readString())
      else if (tag === 4) node.operator = pbf.readString()
      else if (tag === 5) {
        const attribute: { name: string; value: number | undefined } = { name: '', value: undefined }
        pbf.readMessage((part, own, reader) => {
          if (part === 1) own.name = reader.readString()
          else if (part === 2) own.value = reader.readFloat()
          else if (part === 3) own.value = reader.readVarint(true)
        }, attribute)
        if (attribute.value !== undefined) numbers.set(attribute.name, attribute.value)
      } else if (tag === 7) {
        const domain = pbf.readString()
        node.domain = domain === 'ai.onnx' ? '' : domain
      }
    }, null)
  } catch (cause) {
    throw unreadable(`a node of it is damaged (${String(cause)})`)
  }
  return { ...node, numbers, field }
}

/** A node's bytes; all but the inputs that have another name are as in the file. */
async function nodeBytes(source: ByteSource, { field, renamed }: GraphNode): Promise<Uint8Array> {
  const bytes = await source.read(field.start, field.end)
  if (renamed === undefined) return bytes
  const own: ByteSource = { size: bytes.length, read: async (start, end) => bytes.subarray(start, end) }
  const cursor = createOnnxCursor(own)
  const pbf = new PbfWriter()
  const rest: Uint8Array[] = []
  let last = 0
  for await (const part of cursor.fields({ start: 0, end: bytes.length })) {
    if (part.tag === 1) {
      const name = await cursor.text(part)
      pbf.writeStringField(1, renamed.get(name) ?? name)
    } else rest.push(bytes.subarray(last, part.end))
    last = part.end
  }
  return concat([pbf.finish(), ...rest])
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/**
 * Opens the graph of an ONNX file.
 *
 * Source of the field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 *
 * @throws {ModelError} `onnx-unreadable`
 */
export async function openGraph(source: ByteSource): Promise<OpenGraph> {
  const cursor = createOnnxCursor(source)
  const fields: Field[] = []
  for await (const field of cursor.fields({ start: 0, end: source.size })) fields.push(field)
  const graph = fields.find(({ tag, hasLength }) => tag === 7 && hasLength)
  if (graph === undefined) throw unreadable('it has no graph')
  let opset = 0
  for (const field of fields.filter(({ tag, hasLength }) => tag === 8 && hasLength)) {
    const said = { domain: '', version: 0 }
    for await (const part of cursor.fields(field)) {
      if (part.tag === 1) said.domain = await cursor.text(part)
      else if (part.tag === 2) said.version = part.value
    }
    if (said.domain === '' || said.domain === 'ai.onnx') opset = said.version
  }

  const nodes: GraphNode[] = []
  const inputs: ValueInfo[] = []
  const outputs: ValueInfo[] = []
  const weights = new Map<string, readonly number[]>()
  /** All that is copied: neither nodes nor outputs, nor what is said of values between. */
  const kept: { readonly start: number; readonly end: number }[] = []
  let last = graph.start
  for await (const field of cursor.fields(graph)) {
    if (field.tag === 1 && field.hasLength) nodes.push(readNode(await cursor.content(field), field))
    else if (field.tag === 12 && field.hasLength) outputs.push(readValueInfo(await cursor.content(field)))
    else if (field.tag !== 13) {
      kept.push({ start: last, end: field.end })
      if (field.tag === 11 && field.hasLength) inputs.push(readValueInfo(await cursor.content(field)))
      else if (field.tag === 5 && field.hasLength) {
        const { name, dims } = await readWeight(field)
        weights.set(name, dims)
      }
    }
    last = field.end
  }

  async function readWeight(tensor: Field) {
    let name = ''
    const dims: number[] = []
    for await (const part of cursor.fields(tensor)) {
      if (part.tag === 8 && part.hasLength) name = await cursor.text(part)
      else if (part.tag === 1 && !part.hasLength) dims.push(part.value)
      else if (part.tag === 1) {
        const packed = new PbfReader(await cursor.content(part))
        while (packed.pos < packed.length) dims.push(packed.readVarint(true))
      }
    }
    return { name, dims }
  }
  async function* copy(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end; at += copyBytes) yield source.read(at, Math.min(end, at + copyBytes))
  }

  return {
    nodes,
    inputs,
    outputs,
    weights,
    opset,
    async *write({ nodes: after, weights: added, outputs: changed }) {
      const front: Uint8Array[] = []
      for (const node of after) {
        front.push(nodeField(isOfFile(node) ? await nodeBytes(source, node) : node))
      }
      for (const weight of added) front.push(...(await weightFields(weight)))
      const back: Uint8Array[] = []
      for await (const field of cursor.fields(graph)) {
        if (field.tag !== 12 || !field.hasLength) continue
        const bytes = await source.read(field.start, field.end)
        const other = changed.find(({ name }) => name === readValueInfo(bytes).name)
        back.push(outputField(other ?? bytes))
      }
      const bytes = [...front, ...back].reduce((sum, { length }) => sum + length, 0)
      const keptBytes = kept.reduce((sum, { start, end }) => sum + end - start, 0)
      let at = 0
      for (const field of fields) {
        if (field !== graph) {
          yield* copy(at, field.end)
        } else {
          yield graphHead(bytes + keptBytes)
          yield* front
          for (const { start, end } of kept) yield* copy(start, end)
          yield* back
        }
        at = field.end
      }
    },
  }
}

const copyBytes = 4 * 1024 * 1024
