import type { Manifest } from '../contracts/manifest.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { fakeManifest } from './fake-manifest.ts'
import { tinyOnnx } from './tiny-onnx.ts'

const float = (name: string, shape: number[]) => ({ name, type: 'float32' as const, shape })

/** A model of the conformance suite: as an ONNX graph for real engines, and as a function for a fake one. */
export interface BackendModel {
  readonly manifest: Manifest
  readonly graph: Uint8Array
  /** Absent: the graph's bytes are no model. */
  readonly compute?: ((inputs: TensorMap) => TensorMap) | undefined
}

export const floats = (...values: number[]) => ({
  type: 'float32' as const,
  dims: [values.length],
  data: Float32Array.from(values),
})
const valuesOf = (inputs: TensorMap, name: string) => Array.from((inputs[name]?.data ?? []) as Float32Array)

/** y = factor · x, of any length. */
export async function scalingModel(
  name: string,
  factor: 2 | 3,
  changes: Partial<Manifest> = {},
): Promise<BackendModel> {
  const last = { op: 'Add', inputs: factor === 2 ? ['x', 'x'] : ['double', 'x'], outputs: ['y'] }
  const graph = tinyOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: ['n'] }],
    outputs: [{ name: 'y', type: 'float32', shape: ['n'] }],
    nodes: factor === 2 ? [last] : [{ op: 'Add', inputs: ['x', 'x'], outputs: ['double'] }, last],
  })
  const specs = { inputs: [float('x', [-1])], outputs: [float('y', [-1])] }
  return {
    graph,
    manifest: await fakeManifest({ 'model.onnx': graph }, { name, ...specs, ...changes }),
    compute: (inputs) => ({ y: floats(...valuesOf(inputs, 'x').map((x) => factor * x)) }),
  }
}

/** total = x + sum; the next run's sum is this one's total. */
export async function summingModel(name: string): Promise<BackendModel> {
  const specs = { inputs: [float('x', [1]), float('sum', [1])], outputs: [float('total', [1])] }
  const graph = tinyOnnx({ ...specs, nodes: [{ op: 'Add', inputs: ['x', 'sum'], outputs: ['total'] }] })
  const state = [{ input: 'sum', output: 'total', shape: [1] }]
  return {
    graph,
    manifest: await fakeManifest({ 'model.onnx': graph }, { name, ...specs, state }),
    compute: (inputs) => ({ total: floats((valuesOf(inputs, 'x')[0] ?? 0) + (valuesOf(inputs, 'sum')[0] ?? 0)) }),
  }
}

/** Bytes that are no model. */
export async function brokenModel(name: string): Promise<BackendModel> {
  const { manifest } = await scalingModel(name, 2)
  return { manifest, graph: Uint8Array.of(1, 2, 3) }
}
