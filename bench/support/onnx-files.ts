import { PbfReader } from 'pbf'
import type { TensorType } from '../../src/contracts/tensor.ts'
import { elementTypes } from '../../src/models/onnx/read-value-info.ts'
import { arrayKind } from '../../src/protocol/tensors/datatypes.ts'

/** A tensor from a file, with its elements as numbers or text; whole numbers of 64 bits as text. */
export interface FileTensor {
  readonly type: TensorType
  readonly dims: readonly number[]
  readonly data: readonly (number | string)[]
}

/** Reads a TensorProto (onnx.proto); undefined where its type is none that a tensor here can have. */
export function readTensorProto(bytes: Uint8Array): FileTensor | undefined {
  const dims: number[] = []
  const numbers: number[] = []
  const texts: string[] = []
  let dataType = 0
  let raw: Uint8Array | undefined
  const pbf = new PbfReader(bytes)
  pbf.readFields((tag: number) => {
    if (tag === 1) pbf.readPackedVarint(dims, true)
    else if (tag === 2) dataType = pbf.readVarint()
    else if (tag === 4) pbf.readPackedFloat(numbers)
    else if (tag === 5 || tag === 7) pbf.readPackedVarint(numbers, true)
    else if (tag === 6) texts.push(pbf.readString())
    else if (tag === 9) raw = Uint8Array.from(pbf.readBytes())
    else if (tag === 10) pbf.readPackedDouble(numbers)
    else if (tag === 11) pbf.readPackedVarint(numbers)
  }, undefined)
  const type = elementTypes[dataType]
  if (type === undefined) return undefined
  if (type === 'string') return { type, dims, data: texts }
  if (raw === undefined)
    return { type, dims, data: type === 'int64' || type === 'uint64' ? numbers.map(String) : numbers }
  const Elements = arrayKind(type)
  const elements = new Elements(raw.buffer as ArrayBuffer, 0, raw.byteLength / Elements.BYTES_PER_ELEMENT)
  return { type, dims, data: [...elements].map((value) => (typeof value === 'bigint' ? String(value) : value)) }
}

/** Names of a model's inputs and outputs, in the order of its graph (ModelProto, GraphProto, ValueInfoProto). */
export function readGraphNames(bytes: Uint8Array): { readonly inputs: string[]; readonly outputs: string[] } {
  const inputs: string[] = []
  const outputs: string[] = []
  const nameOf = (message: Uint8Array): string => {
    let name = ''
    const pbf = new PbfReader(message)
    pbf.readFields((tag: number) => {
      if (tag === 1) name = pbf.readString()
    }, undefined)
    return name
  }
  const model = new PbfReader(bytes)
  model.readFields((tag: number) => {
    if (tag !== 7) return
    const graph = new PbfReader(model.readBytes())
    graph.readFields((field: number) => {
      if (field === 11) inputs.push(nameOf(graph.readBytes()))
      else if (field === 12) outputs.push(nameOf(graph.readBytes()))
    }, undefined)
  }, undefined)
  return { inputs, outputs }
}
