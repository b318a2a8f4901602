import { describe, expect, it } from 'vitest'
import { type TensorData, tensorTypes } from '../../contracts/tensor.ts'
import { numericData } from '../../protocol/tensors/tensor-numbers.ts'
import { toClassification } from './classify.ts'

const numericTypes = tensorTypes.filter((type) => type !== 'string')
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

  it.each(numericTypes)('reads probabilities and logits of %s', (type) => {
    const tensor = (numbers: number[]): TensorData => ({ type, dims: [1, 3], data: numericData(type, numbers) })
    expect(toClassification(tensor([0, 1, 0]), labels)).toMatchObject({ label: 'b', probability: 1 })
    const { label, probability } = toClassification(tensor([0, 0, 1]), labels, true)
    expect([label, probability.toFixed(4)]).toEqual(['c', '0.5761'])
  })

  it('reads half precision whose elements are numbers already', () => {
    const numbers = Float32Array.of(0.25, 0.5, 0.25)
    const data = Object.defineProperty(numbers, Symbol.toStringTag, { value: 'Float16Array' })
    expect(toClassification({ type: 'float16', dims: [3], data }, labels).probability).toBe(0.5)
  })

  it('reads as many classes as there are', () => {
    const many = Array.from({ length: 300_000 }, (_, index) => String(index))
    const data = new Float32Array(many.length).fill(-100).fill(100, 123_456, 123_457)
    expect(toClassification({ type: 'float32', dims: [1, many.length], data }, many, true).label).toBe('123456')
  })

  it.each<[string, TensorData]>([
    ['too few classes', output([0.5, 0.5])],
    ['a batch of two', output([1, 0, 0, 1, 0, 0], [2, 3])],
    ['dims that lie', output([1, 0, 0], [1, 4])],
    ['NaN', output([Number.NaN, 0.5, 0.5])],
    ['infinity', output([Number.POSITIVE_INFINITY, 0, 0])],
    ['logits', output([4, -2, -1])],
    ['nothing but zeros', output([0, 0, 0])],
    ['text', { type: 'string', dims: [1, 3], data: ['a', 'b', 'c'] }],
    ['whole numbers that are no probabilities', { type: 'int64', dims: [1, 3], data: BigInt64Array.of(9n, 0n, 0n) }],
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
