import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Manifest } from '../../src/contracts/manifest.ts'
import { hasStoriesModel, storiesWriter } from '../../src/testing/stories-model.ts'
import { type TinyGraph, tinyOnnx } from '../../src/testing/tiny-onnx.ts'
import { tinyWriter } from '../../src/testing/tiny-writer.ts'
import { writeModel } from '../../src/testing/write-model.ts'

const value = (name: string, shape: number[] = [1]) => ({ name, type: 'float32' as const, shape })
const literal = (name: string, data: number[]) => ({ ...value(name, [data.length]), data })

const channels = 48
const macsOf = (layers: number, side: number) => layers * channels ** 2 * 9 * side ** 2

/** Convolutions: milliseconds on WASM, a good part of a second on a software adapter. */
function convolutions(layers: number, side: number): TinyGraph {
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
  return {
    inputs: [value('x', [1, 1, side, side])],
    outputs: [value('y', [1, channels, 1, 1])],
    initializers: [weights(1, 'first'), weights(channels, 'next')],
    nodes: [
      convolution('x', 'first', 'h0'),
      ...Array.from({ length: layers }, (_, index) => convolution(`h${index}`, 'next', `h${index + 1}`)),
      { op: 'GlobalAveragePool', inputs: [`h${layers}`], outputs: ['y'] },
    ],
  }
}

/** y = x + x. */
const doubling: TinyGraph = {
  inputs: [value('x')],
  outputs: [value('y')],
  nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
}

/** total = y + sum: the next run's sum is this one's total. */
const summing: TinyGraph = {
  inputs: [value('y'), value('sum')],
  outputs: [value('total')],
  nodes: [{ op: 'Add', inputs: ['y', 'sum'], outputs: ['total'] }],
}

const rememberedElements = 50_000

/** y is the sum of all x so far; it is kept in more elements than a session copies out. */
const remembering: TinyGraph = {
  inputs: [value('x'), value('memory', [rememberedElements])],
  outputs: [value('y'), value('next', [rememberedElements])],
  nodes: [
    { op: 'Add', inputs: ['memory', 'x'], outputs: ['next'] },
    { op: 'ReduceMax', inputs: ['next'], outputs: ['y'], attributes: { axes: { ints: [0] }, keepdims: { int: 1 } } },
  ],
}

/** Writes a language model's folder. */
function writeWriter(
  modelsDir: string,
  { manifest, files }: { readonly manifest: Manifest; readonly files: Readonly<Record<string, Uint8Array>> },
): void {
  const folder = join(modelsDir, manifest.name, manifest.revision)
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest))
}

/** Writes a models folder for tests of the edge engine. */
export async function writeEngineModels() {
  const modelsDir = mkdtempSync(join(tmpdir(), 'hither-engine-'))
  const write = (name: string, graph: TinyGraph, manifest: Partial<Manifest> = {}) =>
    writeModel(modelsDir, {
      name,
      revision: '1',
      graph: tinyOnnx({ ...graph, opset: 17 }),
      inputs: graph.inputs.map(({ shape, ...spec }) => ({ ...spec, shape: shape.map(Number) })),
      outputs: graph.outputs.map(({ shape, ...spec }) => ({ ...spec, shape: shape.map(Number) })),
      manifest: { tolerance: { absolute: 1e-3 }, ...manifest },
    })
  await write('light', convolutions(1, 32), { complexity: { macs: macsOf(1, 32) } })
  await write('heavy', convolutions(12, 64), { complexity: { macs: macsOf(12, 64) } })
  await write('doubling', doubling, { canary: { inputs: [literal('x', [3])], outputs: [literal('y', [6])] } })
  await write('summing', summing, { state: [{ input: 'sum', output: 'total', shape: [1] }] })
  await write('remembering', remembering, {
    state: [{ input: 'memory', output: 'next', shape: [rememberedElements] }],
  })
  // What no software adapter has, and no device.
  await write('half', doubling, { title: 'Half', requires: { backends: ['webgpu'], shaderF16: true } })
  await write('wide', doubling, { title: 'Wide', requires: { backends: ['webgpu'], maxBufferBytes: 2 ** 50 } })
  await write('huge', doubling, { title: 'Huge', requires: { memoryBytes: 2 ** 50 } })
  // Of these, a budget of 20 MB holds one at a time: loading one unloads the other.
  for (const name of ['left', 'right'])
    await write(name, convolutions(1, 32), { requires: { memoryBytes: 15_000_000 } })
  // Nobody has trained it: what it writes is nonsense, and always the same.
  writeWriter(modelsDir, await tinyWriter({ name: 'writer', contextTokens: 2_000 }))
  if (hasStoriesModel) writeWriter(modelsDir, await storiesWriter('stories'))
  return { modelsDir, remove: () => rmSync(modelsDir, { recursive: true, force: true }) }
}
