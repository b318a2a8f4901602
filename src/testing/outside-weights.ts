import { type TinyInitializer, type TinyNode, tinyOnnx } from './tiny-onnx.ts'

/** A model whose weights lie in `weights.bin`: y = x + [0, 1, 2, 3], where the runtime can load it. */
export interface OutsideModel {
  readonly where: string
  readonly graph: Uint8Array<ArrayBuffer>
  /** A part of the reason why it cannot run; undefined where it can. */
  readonly problem?: string
}

export const outsideFile = 'weights.bin'
const data = Float32Array.of(0, 1, 2, 3)
export const outsideBytes = () => new Uint8Array(data.slice().buffer)

const four = (name: string) => ({ name, type: 'float32' as const, shape: [4] })
const x = four('x')
const y = four('y')
const weights = { name: 'w', type: 'float32' as const, dims: [4], data, file: outsideFile }
const constant: TinyNode = { op: 'Constant', inputs: [], outputs: ['w'], attributes: { value: { tensor: weights } } }
const add = (to: string): TinyNode => ({ op: 'Add', inputs: ['x', 'w'], outputs: [to] })

/** `then` where x is not all zero, else x. A condition that never changes would have the branch laid into the graph. */
const branch = (then: {
  readonly nodes: readonly TinyNode[]
  readonly initializers?: [typeof weights]
}): TinyNode[] => [
  { op: 'ReduceMax', inputs: ['x'], outputs: ['most'], attributes: { keepdims: { int: 0 } } },
  { op: 'Cast', inputs: ['most'], outputs: ['yes'], attributes: { to: { int: 9 } } },
  {
    op: 'If',
    inputs: ['yes'],
    outputs: ['y'],
    attributes: {
      then_branch: { graph: { inputs: [], outputs: [four('a')], ...then } },
      else_branch: {
        graph: { inputs: [], outputs: [four('b')], nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['b'] }] },
      },
    },
  },
]
const adding = { name: 'Adding', inputs: ['x'], outputs: ['y'], nodes: [constant, add('y')] }
const call = (to: string): TinyNode => ({ op: 'Adding', domain: 'own', inputs: ['x'], outputs: [to] })
const inBranch = 'lie in a branch or a loop'

export const outsideModels: readonly OutsideModel[] = [
  {
    where: 'the graph',
    graph: tinyOnnx({ inputs: [x], outputs: [y], nodes: [add('y')], initializers: [weights] }),
  },
  { where: 'a constant', graph: tinyOnnx({ inputs: [x], outputs: [y], nodes: [constant, add('y')] }) },
  {
    where: 'a function',
    graph: tinyOnnx({ inputs: [x], outputs: [y], nodes: [call('y')], functions: [adding] }),
  },
  {
    where: 'a function that a function calls',
    graph: tinyOnnx({
      inputs: [x],
      outputs: [y],
      nodes: [{ ...call('y'), op: 'Outer' }],
      functions: [adding, { name: 'Outer', inputs: ['x'], outputs: ['y'], nodes: [call('y')] }],
    }),
  },
  {
    where: "a branch's weights",
    graph: tinyOnnx({
      inputs: [x],
      outputs: [y],
      nodes: branch({ nodes: [add('a')], initializers: [weights] }),
    }),
    problem: inBranch,
  },
  {
    where: "a branch's constant",
    graph: tinyOnnx({
      inputs: [x],
      outputs: [y],
      nodes: branch({ nodes: [constant, add('a')] }),
    }),
    problem: inBranch,
  },
  {
    where: 'a function that a branch calls',
    graph: tinyOnnx({
      inputs: [x],
      outputs: [y],
      nodes: branch({ nodes: [call('a')] }),
      functions: [adding],
    }),
  },
  {
    where: 'a branch in a function',
    graph: tinyOnnx({
      inputs: [x],
      outputs: [y],
      nodes: [call('y')],
      functions: [{ ...adding, nodes: branch({ nodes: [constant, add('a')] }) }],
    }),
    problem: inBranch,
  },
  {
    where: 'an attribute of another operator',
    graph: tinyOnnx({
      inputs: [x],
      outputs: [y],
      nodes: [
        {
          op: 'ConstantOfShape',
          inputs: ['size'],
          outputs: ['w'],
          attributes: { value: { tensor: { ...weights, dims: [1] } } },
        },
        add('y'),
      ],
      initializers: [{ name: 'size', type: 'int64', dims: [1], data: BigInt64Array.of(4n) }],
    }),
    problem: 'lie in an attribute of ConstantOfShape',
  },
  {
    where: 'a sparse constant',
    graph: tinyOnnx({
      inputs: [x],
      outputs: [y],
      nodes: [{ ...constant, attributes: { sparse_value: { sparse: weights } } }, add('y')],
    }),
    problem: 'are sparse',
  },
]

/** A model whose weights lie somewhere in `weights.bin`, which may be too short: y = x + [0, 1, 2, 3], or x alone. */
export interface PlacedModel {
  readonly what: string
  readonly graph: Uint8Array<ArrayBuffer>
  /** The file, and what y is for x = [1, 1, 1, 1]. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly y: readonly number[]
  /** A part of the reason why the runtime does not load it; undefined where it does. */
  readonly problem?: string
}

const placed = (
  what: string,
  graph: Uint8Array<ArrayBuffer>,
  [size, from = 0]: readonly [size: number, from?: number],
  y: readonly number[],
  problem?: string,
): PlacedModel => {
  const bytes = new Uint8Array(size)
  const values = outsideBytes()
  bytes.set(values.subarray(0, Math.max(0, size - from)), Math.min(from, size))
  return { what, graph, bytes, y, ...(problem === undefined ? {} : { problem }) }
}

type Place = Partial<TinyInitializer>
const ofGraph = (nodes: TinyNode[], place: Place, opset = 17) =>
  tinyOnnx({ inputs: [x], outputs: [y], nodes, initializers: [{ ...weights, ...place }], opset })
const added = (place: Place) => ofGraph([add('y')], place)
const addedConstant = (place: Place) => {
  const value = { tensor: { ...weights, ...place } }
  return tinyOnnx({ inputs: [x], outputs: [y], nodes: [{ ...constant, attributes: { value } }, add('y')] })
}
const joined = (place: Place) =>
  ofGraph([{ op: 'Concat', inputs: ['x', 'w'], outputs: ['y'], attributes: { axis: { int: 0 } } }], {
    dims: [0],
    ...place,
  })
const untouched = (place: Place) => ofGraph([{ op: 'Identity', inputs: ['x'], outputs: ['y'] }], place)
/** TensorProto.DataType: 17 is float8e4m3fn, 21 is uint4, 22 is int4. All weights are 0. */
const narrow = (elementType: number, count: number, place: Place = {}) =>
  tinyOnnx({
    opset: 21,
    inputs: [x],
    outputs: [y],
    nodes: [
      { op: 'DequantizeLinear', inputs: ['w', 'scale'], outputs: ['wide'] },
      { op: 'ReduceMax', inputs: ['wide'], outputs: ['most'], attributes: { keepdims: { int: 0 } } },
      { op: 'Add', inputs: ['x', 'most'], outputs: ['y'] },
    ],
    initializers: [
      { ...weights, elementType, dims: [count], ...place },
      { name: 'scale', type: 'float32', dims: [], data: Float32Array.of(1) },
    ],
  })
const texts = ofGraph([add('y'), { op: 'Identity', inputs: ['w'], outputs: ['t'] }], { elementType: 8 })
const sum = [1, 2, 3, 4]
const same = [1, 1, 1, 1]

export const placedModels: readonly PlacedModel[] = [
  placed('the whole file', added({}), [16], sum),
  placed('a part of a longer file', added({ offset: '4', length: '16' }), [24, 4], sum),
  placed('no length', added({ offset: '3' }), [19, 3], sum),
  placed('a length of 0, which is none', added({ length: '0' }), [16], sum),
  placed('numbers that begin with 0', added({ offset: '004', length: '016' }), [20, 4], sum),
  placed('a file that was cut', added({}), [15], sum, 'has 15 bytes, and the graph needs 16'),
  placed('a length that was cut off', added({ length: '16' }), [12], sum, 'has 12 bytes, and the graph needs 16'),
  placed('an offset near its end', added({ offset: '4' }), [16, 4], sum, 'has 16 bytes, and the graph needs 20'),
  placed('an offset beyond 32 bits', added({ offset: '4294967296' }), [16], sum, 'needs 4294967312'),
  placed(
    'an offset beyond 64 bits',
    added({ offset: '18446744073709551616' }),
    [16],
    sum,
    'needs 18446744073709552000',
  ),
  placed('a constant in a file that was cut', addedConstant({}), [15], sum, 'needs 16'),
  placed('a constant within a file', addedConstant({ offset: '4' }), [20, 4], sum),
  placed('an offset before it', added({ offset: '-4' }), [16], sum, 'begin at "-4"'),
  placed('an offset that is no number', added({ offset: '0x4' }), [20, 4], sum, 'begin at "0x4"'),
  placed('an offset with a blank', added({ offset: ' 4' }), [20, 4], sum, 'begin at " 4"'),
  placed('an empty offset', added({ offset: '' }), [16], sum, 'begin at ""'),
  placed('a length below 0', added({ length: '-16' }), [16], sum, '"-16" bytes'),
  placed('a length that is no number', added({ length: 'all' }), [16], sum, '"all" bytes'),
  placed(
    'a length below its shape',
    added({ length: '12' }),
    [16],
    sum,
    'have 12 bytes, and their shape and type take 16',
  ),
  placed(
    'a length beyond its shape',
    added({ length: '20' }),
    [20],
    sum,
    'have 20 bytes, and their shape and type take 16',
  ),
  placed('a shape below 0', added({ dims: [-4] }), [16], sum, 'negative size'),
  placed('no elements', joined({ offset: '16' }), [16], same),
  placed('no elements, beyond the end', joined({ offset: '17' }), [16], same, 'has 16 bytes, and the graph needs 17'),
  placed(
    'no elements, and a length',
    joined({ length: '4' }),
    [16],
    same,
    'have 4 bytes, and their shape and type take 0',
  ),
  placed('two elements a byte', narrow(22, 4), [2], same),
  placed('three elements in two bytes', narrow(21, 3, { length: '2' }), [2], same),
  placed('three elements in one byte', narrow(22, 3), [1], same, 'has 1 bytes, and the graph needs 2'),
  placed('an element a byte', narrow(17, 3), [3], same),
  placed('an element a byte, cut', narrow(17, 3), [2], same, 'has 2 bytes, and the graph needs 3'),
  placed('texts', texts, [16], sum, 'are text'),
  placed('weights that nothing takes', untouched({}), [15], same),
  placed('weights that nothing takes, nowhere', untouched({ offset: 'nowhere', file: 'gone.bin' }), [16], same),
]
