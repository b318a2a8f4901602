import { PbfWriter } from 'pbf'

/** TensorProto.DataType of onnx.proto. */
const elementTypes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, bool: 9, float16: 10 } as const
export type OnnxElement = keyof typeof elementTypes

/** A value of the graph; texts in `shape` are names of free dimensions. */
export interface OnnxValue {
  readonly name: string
  readonly type: OnnxElement
  readonly shape: readonly (number | string)[]
}

export type OnnxAttribute = { readonly int: number } | { readonly float: number } | { readonly ints: readonly number[] }

export interface OnnxNode {
  readonly operator: string
  /** Default: ONNX's own operators. */
  readonly domain?: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
}

/** A constant. Its bytes are asked for when they are written: a model's weights need not be in memory together. */
export interface OnnxWeight {
  readonly name: string
  readonly type: OnnxElement
  readonly dims: readonly number[]
  /** How many bytes `read` gives. */
  readonly bytes: number
  /** Its elements, row by row, little-endian. */
  read(): Uint8Array | Promise<Uint8Array>
}

export interface OnnxModel {
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  readonly nodes: readonly OnnxNode[]
  readonly weights: readonly OnnxWeight[]
  /** The version of each set of operators, by its domain; `''` is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>
}

const message = (write: (pbf: PbfWriter) => void): Uint8Array => {
  const pbf = new PbfWriter()
  write(pbf)
  return pbf.finish().slice()
}

function writeAttribute(name: string, value: OnnxAttribute, pbf: PbfWriter): void {
  pbf.writeStringField(1, name)
  if ('int' in value) {
    pbf.writeVarintField(3, value.int)
    pbf.writeVarintField(20, 2)
  } else if ('float' in value) {
    pbf.writeFloatField(2, value.float)
    pbf.writeVarintField(20, 1)
  } else {
    for (const int of value.ints) pbf.writeVarintField(8, int)
    pbf.writeVarintField(20, 7)
  }
}

function writeNode({ operator, domain, inputs, outputs, attributes = {} }: OnnxNode, pbf: PbfWriter): void {
  for (const name of inputs) pbf.writeStringField(1, name)
  for (const name of outputs) pbf.writeStringField(2, name)
  pbf.writeStringField(4, operator)
  for (const [name, value] of Object.entries(attributes)) {
    pbf.writeMessage(5, (_: null, own) => writeAttribute(name, value, own), null)
  }
  if (domain !== undefined) pbf.writeStringField(7, domain)
}

function writeValue({ name, type, shape }: OnnxValue, pbf: PbfWriter): void {
  const writeShape = (_: null, own: PbfWriter) => {
    for (const size of shape) {
      own.writeMessage(
        1,
        (_dim: null, dim) => (typeof size === 'number' ? dim.writeVarintField(1, size) : dim.writeStringField(2, size)),
        null,
      )
    }
  }
  const writeTensorType = (_: null, own: PbfWriter) => {
    own.writeVarintField(1, elementTypes[type])
    own.writeMessage(2, writeShape, null)
  }
  pbf.writeStringField(1, name)
  pbf.writeMessage(2, (_: null, own) => own.writeMessage(1, writeTensorType, null), null)
}

/** A field's number and length, before its content. */
const head = (field: number, bytes: number): Uint8Array =>
  message((pbf) => {
    pbf.writeVarint((field << 3) | 2)
    pbf.writeVarint(bytes)
  })

/** All of a TensorProto but its raw data, whose own head is the end of it. */
const tensorHead = ({ name, type, dims, bytes }: OnnxWeight): Uint8Array =>
  message((pbf) => {
    for (const size of dims) pbf.writeVarintField(1, size)
    pbf.writeVarintField(2, elementTypes[type])
    pbf.writeStringField(8, name)
    pbf.writeVarint((9 << 3) | 2)
    pbf.writeVarint(bytes)
  })

/**
 * Writes a model as ONNX, piece by piece: the weights are read one after the other.
 *
 * Source of the field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 *
 * @throws {RangeError} a weight gives another number of bytes than it said; or the whole is over 2 GiB, which protobuf
 *   does not allow
 */
export async function* writeOnnx(model: OnnxModel): AsyncGenerator<Uint8Array> {
  const front = message((pbf) => {
    for (const node of model.nodes) pbf.writeMessage(1, writeNode, node)
    pbf.writeStringField(2, 'model')
  })
  const back = message((pbf) => {
    for (const value of model.inputs) pbf.writeMessage(11, writeValue, value)
    for (const value of model.outputs) pbf.writeMessage(12, writeValue, value)
  })
  const weights = model.weights.map((weight) => {
    const own = tensorHead(weight)
    const opening = head(5, own.length + weight.bytes)
    return { weight, own, opening, bytes: opening.length + own.length + weight.bytes }
  })
  const graphBytes = front.length + back.length + weights.reduce((sum, { bytes }) => sum + bytes, 0)
  if (graphBytes >= 2 ** 31 - 2 ** 20) throw new RangeError('An ONNX file holds less than 2 GiB.')
  yield message((pbf) => {
    pbf.writeVarintField(1, 8)
    pbf.writeStringField(2, 'hither')
    for (const [domain, version] of Object.entries(model.opsets)) {
      pbf.writeMessage(
        8,
        (_: null, own) => {
          own.writeStringField(1, domain)
          own.writeVarintField(2, version)
        },
        null,
      )
    }
  })
  yield head(7, graphBytes)
  yield front
  for (const { weight, own, opening } of weights) {
    yield opening
    yield own
    const data = await weight.read()
    if (data.length !== weight.bytes) {
      throw new RangeError(`The weight ${weight.name} has ${data.length} bytes, and ${weight.bytes} were said.`)
    }
    yield data
  }
  yield back
}
