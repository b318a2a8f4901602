import { expect, test } from 'vitest'
import { draftManifest } from './draft-manifest.ts'
import type { OnnxHeader } from './read-onnx.ts'

const float = (name: string, shape?: number[]) => ({ name, type: 'float32' as const, ...(shape ? { shape } : {}) })
const draft = (input: number[] | undefined, output: number[] | undefined, opset?: number) => {
  const header: OnnxHeader = {
    opset,
    inputs: [float('x', input)],
    outputs: [float('y', output)],
    externalData: [],
    outside: [],
    weights: 0,
  }
  const files = [{ path: 'model.onnx', bytes: 1, sha256: '0'.repeat(64) }]
  return draftManifest({ name: 'a', title: 'A', revision: '1', files, graph: 'model.onnx' }, header)
}

test.each<[string, number[] | undefined, number[] | undefined, number[] | undefined]>([
  ['of fixed inputs are kept', [1, 3, 8, 8], [1, 10], [1, 10]],
  ['follow the number of items', [-1, 4], [1, 10], [-1, 10]],
  ['follow any open size', [1, -1], [1, 128, 768], [-1, -1, -1]],
  ['follow an input of any number of dimensions', undefined, [1, 10], [-1, -1]],
  ['may be unknown altogether, which is no scalar', [4], undefined, undefined],
  ['of a scalar stay a scalar', [-1, 4], [], []],
])("an answer's sizes %s", (_, input, output, expected) => {
  expect(draft(input, output).outputs).toEqual([float('y', expected)])
})

test('without operators of ONNX itself there is no opset', () => {
  expect(draft([1], [1], 18).opset).toBe(18)
  expect('opset' in draft([1], [1])).toBe(false)
})
