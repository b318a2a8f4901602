import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tinyOnnx } from '../../src/testing/tiny-onnx.ts'
import { writeModel } from '../../src/testing/write-model.ts'

/** Writes a models folder with one model that is heavy to compute and light to send: a stack of convolutions. */
export async function writeHeavyModel({ channels = 48, side = 64, layers = 12 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'hither-models-'))
  const weights = (from: number, name: string) => ({
    name,
    type: 'float32' as const,
    dims: [channels, from, 3, 3],
    data: new Float32Array(channels * from * 9).fill(1 / (from * 9)),
  })
  const convolution = (input: string, kernel: string, output: string) => ({
    op: 'Conv',
    inputs: [input, kernel],
    outputs: [output],
    attributes: { kernel_shape: { ints: [3, 3] }, pads: { ints: [1, 1, 1, 1] } },
  })
  const graph = tinyOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: [1, 1, side, side] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1, channels, 1, 1] }],
    initializers: [weights(1, 'first'), weights(channels, 'next')],
    nodes: [
      convolution('x', 'first', 'h0'),
      ...Array.from({ length: layers }, (_, index) => convolution(`h${index}`, 'next', `h${index + 1}`)),
      { op: 'GlobalAveragePool', inputs: [`h${layers}`], outputs: ['y'] },
    ],
    opset: 17,
  })
  await writeModel(folder, {
    name: 'heavy',
    revision: '1',
    graph,
    inputs: [{ name: 'x', type: 'float32', shape: [1, 1, side, side] }],
    outputs: [{ name: 'y', type: 'float32', shape: [1, channels, 1, 1] }],
    manifest: { complexity: { macs: layers * channels * channels * 9 * side * side }, tolerance: { absolute: 1e-3 } },
  })
  return { modelsDir: folder, dims: [1, 1, side, side], remove: () => rmSync(folder, { recursive: true, force: true }) }
}
