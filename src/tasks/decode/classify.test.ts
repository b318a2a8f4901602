import { describe, expect, it } from 'vitest'
import type { TensorData } from '../../contracts/tensor.ts'
import { toClassification } from './classify.ts'

const labels = ['a', 'b', 'c']
const output = (values: number[], dims: number[] = [1, values.length]): TensorData => ({
  type: 'float32',
  dims,
  data: Float32Array.from(values),
})

describe('toClassification', () => {
  it('sorts the classes, the likeliest first', () => {
    const answer = toClassification(output([0.25, 0.125, 0.625]), labels)
    expect(answer.label).toBe('c')
    expect(answer.probability).toBe(0.625)
    expect(answer.classes.map(({ label }) => label)).toEqual(['c', 'a', 'b'])
  })

  it('takes a plain vector too', () => {
    expect(toClassification(output([0, 1, 0], [3]), labels).label).toBe('b')
  })

  it.each<[string, TensorData]>([
    ['too few classes', output([0.5, 0.5])],
    ['a batch of two', output([1, 0, 0, 1, 0, 0], [2, 3])],
    ['dims that lie', output([1, 0, 0], [1, 4])],
    ['NaN', output([Number.NaN, 0.5, 0.5])],
    ['infinity', output([Number.POSITIVE_INFINITY, 0, 0])],
    ['logits', output([4, -2, -1])],
    ['nothing but zeros', output([0, 0, 0])],
    ['whole numbers', { type: 'int64', dims: [1, 3], data: BigInt64Array.of(1n, 0n, 0n) }],
  ])('refuses %s', (_, tensor) => {
    expect(() => toClassification(tensor, labels)).toThrowError(
      expect.objectContaining({ name: 'ModelError', code: 'model-wrong-answer' }),
    )
  })

  it('refuses an answer without classes', () => {
    expect(() => toClassification(output([], [1, 0]), [])).toThrowError(
      expect.objectContaining({ code: 'model-wrong-answer' }),
    )
  })
})
