import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { tinyOnnx } from '../../src/testing/tiny-onnx.ts'
import { readGraphNames, readTensorProto } from './onnx-files.ts'
import { hasSharedModels, sharedPath } from './shared-models.ts'

test('a tensor is read from raw bytes, from numbers of its own, and as text', () => {
  const raw = Uint8Array.of(8, 2, 16, 1, 74, 8, 0, 0, 128, 63, 0, 0, 0, 192)
  expect(readTensorProto(raw)).toEqual({ type: 'float32', dims: [2], data: [1, -2] })
  const packed = Uint8Array.of(10, 1, 2, 16, 7, 58, 2, 5, 7)
  expect(readTensorProto(packed)).toEqual({ type: 'int64', dims: [2], data: ['5', '7'] })
  const text = Uint8Array.of(8, 1, 16, 8, 50, 2, 104, 105)
  expect(readTensorProto(text)).toEqual({ type: 'string', dims: [1], data: ['hi'] })
  expect(readTensorProto(Uint8Array.of(16, 99))).toBeUndefined()
})

test("a graph's inputs and outputs are read in their order", () => {
  const value = (name: string) => ({ name, type: 'float32' as const, shape: [1] })
  const graph = tinyOnnx({
    inputs: [value('a'), value('b')],
    outputs: [value('c')],
    nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['c'] }],
    opset: 17,
  })
  expect(readGraphNames(graph)).toEqual({ inputs: ['a', 'b'], outputs: ['c'] })
})

test("an operator test's files are read", () => {
  if (!hasSharedModels || !existsSync(sharedPath('onnx-node-tests/test_add'))) {
    process.stdout.write('../shared/models is not there: its files are not read\n')
    return
  }
  const read = (name: string) =>
    readTensorProto(readFileSync(sharedPath(`onnx-node-tests/test_add/test_data_set_0/${name}.pb`)))
  const [a, b, sum] = [read('input_0'), read('input_1'), read('output_0')]
  expect(sum).toMatchObject({ type: 'float32', dims: [3, 4, 5] })
  sum?.data.forEach((value, index) => {
    expect(value).toBeCloseTo(Number(a?.data[index]) + Number(b?.data[index]), 5)
  })
})
