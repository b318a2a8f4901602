import { type TinyNode, tinyOnnx } from './tiny-onnx.ts'

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
