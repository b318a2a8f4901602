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

export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string }

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
  /** Its elements, row by row, little-endian, in one piece or in several. */
  read(): Uint8Array | AsyncIterable<Uint8Array>
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
  } else if ('text' in value) {
    pbf.writeStringField(4, value.text)
    pbf.writeVarintField(20, 3)
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
const tensorHead = ({ name, type, dims, bytes }: OnnxWeight, outside?: { location: string; offset: number }) =>
  message((pbf) => {
    for (const size of dims) pbf.writeVarintField(1, size)
    pbf.writeVarintField(2, elementTypes[type])
    pbf.writeStringField(8, name)
    if (outside === undefined) {
      pbf.writeVarint((9 << 3) | 2)
      pbf.writeVarint(bytes)
      return
    }
    const { location, offset } = outside
    for (const [key, value] of Object.entries({ location, offset, length: bytes })) {
      pbf.writeMessage(
        13,
        (_: null, entry) => {
          entry.writeStringField(1, key)
          entry.writeStringField(2, String(value))
        },
        null,
      )
    }
    pbf.writeVarintField(14, 1)
  })

/** Parts of a model, for one that is put together of old and new ones. */
export const graphHead = (bytes: number): Uint8Array => head(7, bytes)

const field = (tag: number, content: Uint8Array): Uint8Array => {
  const opening = head(tag, content.length)
  const whole = new Uint8Array(opening.length + content.length)
  whole.set(opening)
  whole.set(content, opening.length)
  return whole
}

/** A node of a graph; one that was written before comes as its bytes. */
export const nodeField = (node: OnnxNode | Uint8Array): Uint8Array =>
  field(1, node instanceof Uint8Array ? node : message((pbf) => writeNode(node, pbf)))

/** An output of a graph. */
export const outputField = (value: OnnxValue | Uint8Array): Uint8Array =>
  field(12, value instanceof Uint8Array ? value : message((pbf) => writeValue(value, pbf)))

/** A weight of a graph. */
export async function weightFields(weight: OnnxWeight): Promise<Uint8Array[]> {
  const own = tensorHead(weight)
  const parts = [head(5, own.length + weight.bytes), own]
  for await (const piece of read(weight)) parts.push(piece)
  return parts
}

/** Weights that lie in a file beside the graph, one after the other. */
export interface OutsideWeights {
  /** The file, as the graph names it. */
  readonly location: string
  /** First byte of each in that file. */
  readonly offsets: ReadonlyMap<OnnxWeight, number>
  readonly bytes: number
}

/** Runtimes map a file into memory; numbers that begin at such places are read there without a copy. */
const alignment = 64
/** The graph's own small numbers: shapes are worked out from them while it is loaded. */
const insideBytes = 1024

/** A place for each of a model's weights in a file beside it, but for small ones. */
export function planOutside(weights: readonly OnnxWeight[], location: string): OutsideWeights {
  const offsets = new Map<OnnxWeight, number>()
  let bytes = 0
  for (const weight of weights) {
    if (weight.bytes < insideBytes) continue
    offsets.set(weight, bytes)
    bytes += Math.ceil(weight.bytes / alignment) * alignment
  }
  return { location, offsets, bytes }
}

/** @throws {RangeError} the weight gives another number of bytes than it said */
async function* read(weight: OnnxWeight): AsyncGenerator<Uint8Array> {
  const given = weight.read()
  let bytes = 0
  for await (const piece of given instanceof Uint8Array ? [given] : given) {
    bytes += piece.length
    if (bytes > weight.bytes) break
    yield piece
  }
  if (bytes !== weight.bytes) {
    throw new RangeError(`The weight ${weight.name} has ${bytes} bytes, and ${weight.bytes} were said.`)
  }
}

/** Writes the file beside the graph, piece by piece. @throws {RangeError} as `writeOnnx` */
export async function* writeOutside({ offsets }: OutsideWeights): AsyncGenerator<Uint8Array> {
  for (const weight of offsets.keys()) {
    yield* read(weight)
    const rest = (alignment - (weight.bytes % alignment)) % alignment
    if (rest > 0) yield new Uint8Array(rest)
  }
}

/** More of it protobuf does not hold. */
const mostGraphBytes = 2 ** 31 - 2 ** 20

/**
 * Writes a model as ONNX, piece by piece: the weights are read one after the other.
 *
 * Source of the field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 *
 * @param outside weights that lie in a file beside it, which `writeOutside` writes. Default: none
 * @throws {RangeError} a weight gives another number of bytes than it said; or the whole is over 2 GiB, which protobuf
 *   does not allow
 */
export async function* writeOnnx(model: OnnxModel, outside?: OutsideWeights): AsyncGenerator<Uint8Array> {
  const front = message((pbf) => {
    for (const node of model.nodes) pbf.writeMessage(1, writeNode, node)
    pbf.writeStringField(2, 'model')
  })
  const back = message((pbf) => {
    for (const value of model.inputs) pbf.writeMessage(11, writeValue, value)
    for (const value of model.outputs) pbf.writeMessage(12, writeValue, value)
  })
  const weights = model.weights.map((weight) => {
    const offset = outside?.offsets.get(weight)
    const liesOutside = outside !== undefined && offset !== undefined
    const own = tensorHead(weight, liesOutside ? { location: outside.location, offset } : undefined)
    const bytes = own.length + (liesOutside ? 0 : weight.bytes)
    const opening = head(5, bytes)
    return { weight, own, opening, liesOutside, bytes: opening.length + bytes }
  })
  const graphBytes = front.length + back.length + weights.reduce((sum, { bytes }) => sum + bytes, 0)
  if (graphBytes >= mostGraphBytes) throw new RangeError('An ONNX file holds less than 2 GiB.')
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
  for (const { weight, own, opening, liesOutside } of weights) {
    yield opening
    yield own
    if (!liesOutside) yield* read(weight)
  }
  yield back
}
