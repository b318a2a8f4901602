import type { TensorType } from '../contracts/tensor.ts'

/** A value of the graph; `-1` and names in `shape` are free dimensions. */
export interface TinyValue {
  readonly name: string
  readonly type: TensorType
  readonly shape: readonly (number | string)[]
  /** A sequence of such tensors; with `map`, of maps from int64 to such a tensor's elements, as scikit-learn's models give them. */
  readonly sequence?: boolean | 'map'
  /** The graph does not say how many dimensions it has. */
  readonly anyRank?: boolean
}

/** A number that is a float in ONNX even when it is whole, an integer, text, or a graph for `Loop` and `If`. */
export type TinyAttribute =
  | { readonly float: number }
  | { readonly int: number }
  | { readonly text: string }
  | { readonly ints: readonly number[] }
  | { readonly graph: TinyGraph }
  | { readonly tensor: TinyInitializer }
  | { readonly sparse: TinyInitializer }

export interface TinyNode {
  readonly op: string
  /** Default: ONNX's own operators. */
  readonly domain?: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Readonly<Record<string, TinyAttribute>>
}

/** A constant. `data` holds its elements in row-major order, as the array that the type asks for (not for `string`). */
export interface TinyInitializer {
  readonly name: string
  readonly type: Exclude<TensorType, 'string'>
  readonly dims: readonly number[]
  readonly data: ArrayBufferView
  /** Path of the file that holds `data` instead of the graph. */
  readonly file?: string
  /** Where in that file, word for word. Default: not said. */
  readonly offset?: string
  readonly length?: string
  /** TensorProto.DataType, for what has no array of its own. Default: that of `type`. */
  readonly elementType?: number
}

export interface TinyGraph {
  readonly inputs: readonly TinyValue[]
  readonly outputs: readonly TinyValue[]
  readonly nodes: readonly TinyNode[]
  readonly initializers?: readonly TinyInitializer[]
}

/** A function of the model: its nodes take and give values by these names. Its domain is `own`. */
export interface TinyFunction {
  readonly name: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly nodes: readonly TinyNode[]
}

/** TensorProto.DataType of onnx.proto. */
const elementTypes: Record<TensorType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
}

const utf8 = new TextEncoder()

function varint(value: number | bigint): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  return [...bytes, Number(rest)]
}

const integer = (field: number, value: number | bigint): number[] => [...varint(field << 3), ...varint(value)]

function block(field: number, content: Iterable<number>): number[] {
  const bytes = [...content]
  return [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes]
}

const text = (field: number, value: string): number[] => block(field, utf8.encode(value))

function attribute(name: string, value: TinyAttribute): number[] {
  const kind = (type: number) => integer(20, type)
  const head = text(1, name)
  if ('float' in value) {
    const bytes = new Uint8Array(new Float32Array([value.float]).buffer)
    return [...head, ...varint((2 << 3) | 5), ...bytes, ...kind(1)]
  }
  if ('int' in value) return [...head, ...integer(3, value.int), ...kind(2)]
  if ('text' in value) return [...head, ...text(4, value.text), ...kind(3)]
  if ('ints' in value) return [...head, ...value.ints.flatMap((int) => integer(8, int)), ...kind(7)]
  if ('tensor' in value) return [...head, ...block(5, tensor(value.tensor)), ...kind(4)]
  if ('sparse' in value) return [...head, ...block(22, sparse(value.sparse)), ...kind(11)]
  return [...head, ...block(6, graph(value.graph)), ...kind(5)]
}

const node = ({ op, domain, inputs, outputs, attributes = {} }: TinyNode): number[] => [
  ...inputs.flatMap((name) => text(1, name)),
  ...outputs.flatMap((name) => text(2, name)),
  ...text(4, op),
  ...Object.entries(attributes).flatMap(([name, value]) => block(5, attribute(name, value))),
  ...(domain === undefined ? [] : text(7, domain)),
]

const dimension = (size: number | string): number[] => {
  if (typeof size === 'string') return text(2, size)
  return size < 0 ? [] : integer(1, size)
}

function valueInfo({ name, type, shape, sequence = false, anyRank = false }: TinyValue): number[] {
  const dims = shape.flatMap((size) => block(1, dimension(size)))
  const tensorType = block(1, [...integer(1, elementTypes[type]), ...(anyRank ? [] : block(2, dims))])
  // TypeProto: tensor_type 1, sequence_type 4 (elem_type 1), map_type 5 (key_type 1, value_type 2).
  const element =
    sequence === 'map' ? block(5, [...integer(1, elementTypes.int64), ...block(2, tensorType)]) : tensorType
  return [...text(1, name), ...block(2, sequence === false ? tensorType : block(4, block(1, element)))]
}

/** StringStringEntryProto. */
const entry = (key: string, value: string | undefined): number[] =>
  value === undefined ? [] : block(13, [...text(1, key), ...text(2, value)])

const tensor = (initializer: TinyInitializer): number[] => {
  const { name, type, dims, data, file, offset, length, elementType = elementTypes[type] } = initializer
  return [
    ...dims.flatMap((size) => integer(1, size)),
    ...integer(2, elementType),
    ...text(8, name),
    ...(file === undefined
      ? block(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      : [...entry('location', file), ...entry('offset', offset), ...entry('length', length), ...integer(14, 1)]),
  ]
}

/** All elements from the first one on are there. */
const sparse = (values: TinyInitializer): number[] => [
  ...block(1, tensor(values)),
  ...block(
    2,
    tensor({
      name: `${values.name}-at`,
      type: 'int64',
      dims: values.dims,
      data: BigInt64Array.from({ length: values.dims[0] ?? 0 }, (_, index) => BigInt(index)),
    }),
  ),
  ...values.dims.flatMap((size) => integer(3, size)),
]

const graph = ({ inputs, outputs, nodes, initializers = [] }: TinyGraph): number[] => [
  ...nodes.flatMap((each) => block(1, node(each))),
  ...text(2, 'tiny'),
  ...initializers.flatMap((each) => block(5, tensor(each))),
  ...inputs.flatMap((value) => block(11, valueInfo(value))),
  ...outputs.flatMap((value) => block(12, valueInfo(value))),
]

/**
 * Writes a small ONNX model by hand, so that a test runs a real graph without a file of weights.
 *
 * Source: onnx.proto's field numbers, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 *
 * @example
 * tinyOnnx({
 *   inputs: [{ name: 'x', type: 'float32', shape: [-1, 3] }],
 *   outputs: [{ name: 'y', type: 'float32', shape: [-1, 3] }],
 *   nodes: [{ op: 'Add', inputs: ['x', 'one'], outputs: ['y'] }],
 *   initializers: [{ name: 'one', type: 'float32', dims: [], data: new Float32Array([1]) }],
 * })
 */
export function tinyOnnx(
  options: TinyGraph & {
    readonly opset?: number
    /** Versions of operators by domain, instead of `opset`. */
    readonly opsets?: Readonly<Record<string, number>>
    readonly functions?: readonly TinyFunction[]
  },
): Uint8Array<ArrayBuffer> {
  const { opset = 17, opsets = { '': opset }, functions = [] } = options
  const imports = (field: number, versions: Readonly<Record<string, number>>) =>
    Object.entries(versions).flatMap(([domain, version]) =>
      block(field, [...(domain === '' ? [] : text(1, domain)), ...integer(2, version)]),
    )
  const own = ({ name, inputs, outputs, nodes }: TinyFunction) => [
    ...text(1, name),
    ...inputs.flatMap((input) => text(4, input)),
    ...outputs.flatMap((output) => text(5, output)),
    ...nodes.flatMap((each) => block(7, node(each))),
    ...imports(9, { '': opset, own: 1 }),
    ...text(10, 'own'),
  ]
  return new Uint8Array([
    ...integer(1, 8),
    ...block(7, graph(options)),
    ...imports(8, functions.length === 0 ? opsets : { ...opsets, own: 1 }),
    ...functions.flatMap((each) => block(25, own(each))),
  ])
}

/**
 * A graph that keeps its thread busy: `rounds` of a `Loop`, some millions a second; `x` in, `y` out, one float each.
 * Without `rounds`, they are an input of their own, int64 without dimensions. A native run can't be stopped from outside,
 * so give only a process that may be killed an endless one.
 */
export function loopOnnx(rounds?: bigint): Uint8Array<ArrayBuffer> {
  const given: TinyInitializer[] =
    rounds === undefined ? [] : [{ name: 'rounds', type: 'int64', dims: [], data: new BigInt64Array([rounds]) }]
  const asked: TinyValue[] = rounds === undefined ? [{ name: 'rounds', type: 'int64', shape: [] }] : []
  const scalar = (name: string): TinyValue => ({ name, type: 'float32', shape: [1] })
  const condition = (name: string): TinyValue => ({ name, type: 'bool', shape: [] })
  return tinyOnnx({
    inputs: [scalar('x'), ...asked],
    outputs: [scalar('y')],
    initializers: [...given, { name: 'go', type: 'bool', dims: [], data: new Uint8Array([1]) }],
    nodes: [
      {
        op: 'Loop',
        inputs: ['rounds', 'go', 'x'],
        outputs: ['y'],
        attributes: {
          body: {
            graph: {
              inputs: [{ name: 'round', type: 'int64', shape: [] }, condition('in'), scalar('state')],
              outputs: [condition('out'), scalar('next')],
              nodes: [
                { op: 'Identity', inputs: ['in'], outputs: ['out'] },
                { op: 'Sin', inputs: ['state'], outputs: ['next'] },
              ],
            },
          },
        },
      },
    ],
  })
}
