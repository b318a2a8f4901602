import { PbfReader } from 'pbf'
import type { TensorSpec, TensorType } from '../../contracts/tensor.ts'
import type { ByteSource } from './byte-source.ts'
import { createOnnxCursor, type Field, unreadable } from './onnx-cursor.ts'

/** What an ONNX file says of itself. */
export interface OnnxHeader {
  readonly opset: number
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  /** Files beside it that hold weights, as it names them. */
  readonly externalData: readonly string[]
  /** Elements of all weights together. */
  readonly weights: number
}

/** TensorProto.DataType of onnx.proto. */
export const elementTypes: Readonly<Record<number, TensorType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
}

interface ValueInfo {
  name: string
  type: number | undefined
  /** Undefined where the graph does not say how many dimensions there are. */
  shape: number[] | undefined
}

/** ValueInfoProto: name 1, type 2 (TypeProto: tensor_type 1: elem_type 1, shape 2: dim 1: dim_value 1). */
function readValueInfo(bytes: Uint8Array): ValueInfo {
  const info: ValueInfo = { name: '', type: undefined, shape: undefined }
  const readDim = (tag: number, dims: number[], pbf: PbfReader) => {
    if (tag !== 1) return
    const dim = pbf.readMessage(
      (field, size: { value: number }, inner) => {
        if (field === 1) size.value = inner.readVarint(true)
      },
      { value: -1 },
    )
    dims.push(Number.isSafeInteger(dim.value) && dim.value >= 0 ? dim.value : -1)
  }
  const readTensorType = (tag: number, target: ValueInfo, pbf: PbfReader) => {
    if (tag === 1) target.type = pbf.readVarint()
    else if (tag === 2) target.shape = pbf.readMessage(readDim, [])
  }
  try {
    return new PbfReader(bytes).readFields((tag, target, pbf) => {
      if (tag === 1) target.name = pbf.readString()
      else if (tag === 2) {
        pbf.readMessage((kind, own: ValueInfo, type) => {
          if (kind === 1) type.readMessage(readTensorType, own)
        }, target)
      }
    }, info)
  } catch (error) {
    throw unreadable(`the description of an input or output is damaged (${String(error)})`)
  }
}

function toSpec({ name, type, shape }: ValueInfo, isInput: boolean): TensorSpec {
  const known = type === undefined ? undefined : elementTypes[type]
  if (known === undefined) throw unreadable(`"${name}" is of a type that browsers cannot run`)
  if (shape === undefined && isInput) throw unreadable(`it does not say how many dimensions "${name}" has`)
  return { name, type: known, shape: shape ?? [] }
}

/** StringStringEntryProto: key 1, value 2. */
const readEntry = (bytes: Uint8Array): { key: string; value: string } =>
  new PbfReader(bytes).readFields(
    (tag, entry, pbf) => {
      if (tag === 1) entry.key = pbf.readString()
      else if (tag === 2) entry.value = pbf.readString()
    },
    { key: '', value: '' },
  )

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/**
 * Reads a model's inputs, outputs and opset from the file itself. Weights are stepped over, not read: a file of
 * gigabytes takes as little memory as a small one.
 *
 * Source of the field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 *
 * @throws {ModelError} `onnx-unreadable`
 */
export async function readOnnx(source: ByteSource): Promise<OnnxHeader> {
  const cursor = createOnnxCursor(source)
  const inputs: ValueInfo[] = []
  const outputs: ValueInfo[] = []
  const weightNames = new Set<string>()
  const externalData = new Set<string>()
  let weights = 0
  let opset: number | undefined
  let hasGraph = false

  /** TensorProto: dims 1, name 8, external_data 13. */
  const readInitializer = async (field: Field) => {
    let elements = 1
    for await (const part of cursor.fields(field.start, field.end)) {
      if (part.tag === 1 && !part.hasLength) elements *= part.value
      else if (part.tag === 1) {
        const dims = new PbfReader(await cursor.content(part))
        while (dims.pos < dims.length) elements *= dims.readVarint(true)
      } else if (part.tag === 8) weightNames.add(text(await cursor.content(part)))
      else if (part.tag === 13) {
        const { key, value } = readEntry(await cursor.content(part))
        if (key === 'location') externalData.add(value)
      }
    }
    if (Number.isFinite(elements)) weights += elements
  }
  /** GraphProto: initializer 5, input 11, output 12. */
  const readGraph = async (graph: Field) => {
    for await (const field of cursor.fields(graph.start, graph.end)) {
      if (field.tag === 5) await readInitializer(field)
      else if (field.tag === 11) inputs.push(readValueInfo(await cursor.content(field)))
      else if (field.tag === 12) outputs.push(readValueInfo(await cursor.content(field)))
    }
  }
  /** OperatorSetIdProto: domain 1, version 2. */
  const readOpset = async (field: Field) => {
    let isDefault = true
    let version: number | undefined
    for await (const part of cursor.fields(field.start, field.end)) {
      if (part.tag === 1) isDefault = ['', 'ai.onnx'].includes(text(await cursor.content(part)))
      else if (part.tag === 2) version = part.value
    }
    if (isDefault) opset = version
  }

  // ModelProto: graph 7, opset_import 8.
  for await (const field of cursor.fields(0, source.size)) {
    if (field.tag === 7 && field.hasLength) {
      hasGraph = true
      await readGraph(field)
    } else if (field.tag === 8 && field.hasLength) await readOpset(field)
  }
  if (!hasGraph || opset === undefined) throw unreadable('it has no graph')
  // Older files list their weights among the inputs.
  const given = inputs.filter(({ name }) => !weightNames.has(name))
  if (given.length === 0 || outputs.length === 0) throw unreadable('it has no inputs or no outputs')
  return {
    opset,
    inputs: given.map((info) => toSpec(info, true)),
    outputs: outputs.map((info) => toSpec(info, false)),
    externalData: [...externalData],
    weights,
  }
}
