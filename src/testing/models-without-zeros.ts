import type { Manifest } from '../contracts/manifest.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { type TinyNode, tinyOnnx } from './tiny-onnx.ts'

/** A good model that refuses zeros, what it is asked, and the right answer. */
export interface ModelWithoutZeros {
  readonly what: string
  readonly graph: Uint8Array<ArrayBuffer>
  readonly inputs: Manifest['inputs']
  readonly outputs: Manifest['outputs']
  readonly given: TensorMap
  readonly answer: readonly number[]
}

const float = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })
const long = (name: string, shape: number[]) => ({ name, type: 'int64' as const, shape })
const floats = (values: number[], dims = [values.length]) => ({
  type: 'float32' as const,
  dims,
  data: Float32Array.from(values),
})
const longs = (...values: number[]) => ({
  type: 'int64' as const,
  dims: [values.length],
  data: BigInt64Array.from(values.map(BigInt)),
})

const model = (
  what: string,
  graph: {
    readonly inputs: (ReturnType<typeof float> | ReturnType<typeof long>)[]
    readonly outputs: (ReturnType<typeof float> | ReturnType<typeof long>)[]
    readonly nodes: readonly TinyNode[]
  },
  given: TensorMap,
  answer: number[],
): ModelWithoutZeros => ({ what, inputs: graph.inputs, outputs: graph.outputs, graph: tinyOnnx(graph), given, answer })

/** Inputs that are sizes, steps, divisors, depths, shapes: each of fixed shape, and none may be zero. */
export const modelsWithoutZeros: readonly ModelWithoutZeros[] = [
  model(
    'the step of a slice',
    {
      inputs: [float('x', [6]), long('from', [1]), long('to', [1]), long('axis', [1]), long('step', [1])],
      outputs: [float('y', [-1])],
      nodes: [{ op: 'Slice', inputs: ['x', 'from', 'to', 'axis', 'step'], outputs: ['y'] }],
    },
    { x: floats([0, 1, 2, 3, 4, 5]), from: longs(0), to: longs(6), axis: longs(0), step: longs(2) },
    [0, 2, 4],
  ),
  model(
    'the size that a picture is brought to',
    {
      inputs: [float('x', [1, 1, 1, 2]), long('size', [4])],
      outputs: [float('y', [1, 1, -1, -1])],
      nodes: [
        { op: 'Resize', inputs: ['x', '', '', 'size'], outputs: ['y'], attributes: { mode: { text: 'nearest' } } },
      ],
    },
    { x: floats([1, 2], [1, 1, 1, 2]), size: longs(1, 1, 1, 4) },
    [1, 1, 2, 2],
  ),
  model(
    'the divisor of whole numbers',
    {
      inputs: [long('a', [2]), long('b', [2])],
      outputs: [long('y', [2])],
      nodes: [{ op: 'Div', inputs: ['a', 'b'], outputs: ['y'] }],
    },
    { a: longs(10, 9), b: longs(5, 3) },
    [2, 3],
  ),
  model(
    'the depth of a one-hot code',
    {
      inputs: [long('at', [2]), long('depth', [1]), float('values', [2])],
      outputs: [float('y', [2, -1])],
      nodes: [{ op: 'OneHot', inputs: ['at', 'depth', 'values'], outputs: ['y'] }],
    },
    { at: longs(0, 1), depth: longs(3), values: floats([0, 1]) },
    [1, 0, 0, 0, 1, 0],
  ),
  model(
    'the shape to bring it into',
    {
      inputs: [float('x', [4]), long('shape', [2])],
      outputs: [float('y', [-1, -1])],
      nodes: [{ op: 'Reshape', inputs: ['x', 'shape'], outputs: ['y'] }],
    },
    { x: floats([1, 2, 3, 4]), shape: longs(2, 2) },
    [1, 2, 3, 4],
  ),
  model(
    'the parts to split into',
    {
      inputs: [float('x', [4]), long('parts', [2])],
      outputs: [float('y', [-1]), float('z', [-1])],
      nodes: [{ op: 'Split', inputs: ['x', 'parts'], outputs: ['y', 'z'] }],
    },
    { x: floats([1, 2, 3, 4]), parts: longs(1, 3) },
    [1],
  ),
]
