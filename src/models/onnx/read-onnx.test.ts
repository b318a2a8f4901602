import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ModelError } from '../../errors/model-error.ts'
import { fakeBytes } from '../../testing/fake-file-server.ts'
import { outsideFile, outsideModels } from '../../testing/outside-weights.ts'
import { type TinyGraph, type TinyInitializer, tinyOnnx } from '../../testing/tiny-onnx.ts'
import { type ByteSource, blobSource } from './byte-source.ts'
import { readOnnx } from './read-onnx.ts'

const weights = new Float32Array(fakeBytes(4 * 200_000, 3).buffer)
const model = tinyOnnx({
  inputs: [
    { name: 'x', type: 'float32', shape: ['batch', 3, -1] },
    { name: 'n', type: 'int64', shape: [] },
    // As older files do, this one lists a weight among its inputs.
    { name: 'w', type: 'float32', shape: [400, 500] },
  ],
  outputs: [{ name: 'y', type: 'float16', shape: [-1, 7] }],
  nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
  initializers: [{ name: 'w', type: 'float32', dims: [400, 500], data: weights }],
  opset: 19,
})

test('inputs, outputs and opset come from the file', async () => {
  expect(await readOnnx(blobSource(new Blob([model])))).toEqual({
    opset: 19,
    inputs: [
      { name: 'x', type: 'float32', shape: [-1, 3, -1] },
      { name: 'n', type: 'int64', shape: [] },
    ],
    outputs: [{ name: 'y', type: 'float16', shape: [-1, 7] }],
    externalData: [],
    outside: [],
    weights: 200_000,
  })
})

test('weights are stepped over, not read', async () => {
  let read = 0
  const source: ByteSource = {
    size: model.length,
    async read(start, end) {
      read += end - start
      return model.subarray(start, end)
    },
  }
  await readOnnx(source)
  expect(model.length).toBeGreaterThan(800_000)
  expect(read).toBeLessThan(200_000)
})

const read = (bytes: Uint8Array<ArrayBuffer>) => readOnnx(blobSource(new Blob([bytes])))
const value = (name: string, more: object = {}) => ({ name, type: 'float32' as const, shape: [4], ...more })
const sum = { op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }

describe('weights outside of the file', () => {
  test.each(outsideModels)('in $where', async ({ graph, problem }) => {
    if (problem === undefined) {
      expect(await read(graph)).toMatchObject({ externalData: [outsideFile], weights: 4 })
      return
    }
    const refused = read(graph)
    await expect(refused).rejects.toMatchObject({ name: 'ModelError', code: 'onnx-unsupported' })
    await expect(refused).rejects.toThrow(problem)
    await expect(refused).rejects.toThrow(outsideFile)
  })

  test('in a file that is not named', async () => {
    const w = { name: 'w', type: 'float32' as const, dims: [4], data: new Float32Array(4), file: '' }
    const taking = { ...sum, inputs: ['x', 'w'] }
    const graph = tinyOnnx({ inputs: [value('x')], outputs: [value('y')], nodes: [taking], initializers: [w] })
    await expect(read(graph)).rejects.toThrow('weights "w" lie in another file, and it does not say in which')
  })

  test('graphs in graphs without an end are refused', async () => {
    let graph: TinyGraph = { inputs: [], outputs: [], nodes: [] }
    for (let depth = 0; depth < 100; depth += 1) {
      graph = { ...graph, nodes: [{ op: 'If', inputs: [], outputs: [], attributes: { then_branch: { graph } } }] }
    }
    await expect(read(tinyOnnx({ ...graph, inputs: [value('x')], outputs: [value('y')] }))).rejects.toMatchObject({
      code: 'onnx-unreadable',
    })
  })
})

describe('what a file may be without', () => {
  test.each([
    ["ONNX's own operators, beside those of machine learning", { 'ai.onnx.ml': 3 }, undefined],
    ['none of its domains but the one that it names in full', { 'ai.onnx': 18, 'ai.onnx.ml': 3 }, 18],
  ])('%s', async (_, opsets, opset) => {
    const graph = tinyOnnx({ inputs: [value('x')], outputs: [value('y')], nodes: [sum], opsets })
    expect(await read(graph)).toMatchObject({ opset, inputs: [value('x')], outputs: [value('y')] })
  })

  test('the number of dimensions of an input or output', async () => {
    const graph = tinyOnnx({
      inputs: [value('x', { anyRank: true })],
      outputs: [value('y', { anyRank: true })],
      nodes: [sum],
    })
    const { inputs, outputs } = await read(graph)
    expect([inputs, outputs]).toEqual([[{ name: 'x', type: 'float32' }], [{ name: 'y', type: 'float32' }]])
  })

  test.each([[true], ['map']] as const)('outputs that are no tensors are left out (sequence: %s)', async (sequence) => {
    const graph = tinyOnnx({ inputs: [value('x')], outputs: [value('p', { sequence }), value('y')], nodes: [sum] })
    expect(await read(graph)).toMatchObject({ outputs: [value('y')] })
  })
})

describe('what cannot run is refused with the reason', () => {
  test.each([
    ['a sequence alone', { outputs: [value('p', { sequence: true })] }, 'its output "p" is a sequence, which'],
    ['a sequence to be given', { inputs: [value('s', { sequence: true })] }, 'its input "s" is a sequence, and only'],
    ['nothing to be given', { inputs: [] }, 'it takes no inputs'],
  ])('%s', async (_, change, reason) => {
    const refused = read(tinyOnnx({ inputs: [value('x')], outputs: [value('y')], nodes: [sum], ...change }))
    await expect(refused).rejects.toMatchObject({ code: 'onnx-unsupported' })
    await expect(refused).rejects.toThrow(reason)
  })

  test('no version of any operators', async () => {
    const graph = tinyOnnx({ inputs: [value('x')], outputs: [value('y')], nodes: [sum], opsets: {} })
    await expect(read(graph)).rejects.toThrow('it does not say which version of which operators it uses')
  })
})

describe('files that are no model', () => {
  test.each<[string, Uint8Array<ArrayBuffer>]>([
    ['nothing', new Uint8Array()],
    ['a web page', new TextEncoder().encode('<!doctype html><title>Sign in</title>')],
    ['noise', fakeBytes(5_000)],
    ['a model without its end', model.slice(0, 500_000)],
    ['a length beyond the file', new Uint8Array([0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['a number without an end', new Uint8Array(20).fill(0xff)],
  ])('%s', async (_, bytes) => {
    await expect(readOnnx(blobSource(new Blob([bytes])))).rejects.toMatchObject({ code: 'onnx-unreadable' })
  })

  test('a type that browsers cannot run is named', async () => {
    const half = tinyOnnx({
      inputs: [{ name: 'x', type: 'float32', shape: [1] }],
      outputs: [{ name: 'y', type: 'float16', shape: [1] }],
      nodes: [],
    })
    // TensorProto.DataType: 10 is float16, 16 is bfloat16.
    const bfloat = half.map((byte, index) => (byte === 10 && half[index - 1] === 8 ? 16 : byte))
    await expect(readOnnx(blobSource(new Blob([bfloat])))).rejects.toThrow('"y" is of a type that browsers cannot run')
  })
})

const small = (place: Partial<TinyInitializer>) =>
  tinyOnnx({
    inputs: [{ name: 'x', type: 'float32', shape: [-1, 3] }],
    outputs: [{ name: 'y', type: 'float32', shape: [-1, 3] }],
    nodes: [{ op: 'Add', inputs: ['x', 'one'], outputs: ['y'] }],
    initializers: [{ name: 'one', type: 'float32', dims: [1], data: new Float32Array([1]), ...place }],
  })

test.each([
  ['inside', small({})],
  ['outside', small({ file: 'w', offset: '4', length: '4' })],
])('whatever bytes are changed: a header or a typed error, and no hang (weights %s)', async (_, model) => {
  const change = fc.record({ at: fc.nat(model.length - 1), to: fc.nat(255) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 6 }),
      fc.nat(model.length),
      async (changes, length) => {
        const bytes = model.slice(0, length === 0 ? model.length : length)
        for (const { at, to } of changes) bytes[at] = to
        try {
          const { inputs } = await readOnnx(blobSource(new Blob([bytes])))
          expect(inputs.length).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError)
        }
      },
    ),
    { numRuns: 500 },
  )
})
