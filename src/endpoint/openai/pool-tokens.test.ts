import { expect, test } from 'vitest'
import { tensorTypes } from '../../contracts/tensor.ts'
import { numericData } from '../../protocol/tensors/tensor-numbers.ts'
import { toEmbedding } from './pool-tokens.ts'

test.each(tensorTypes.filter((type) => type !== 'string'))('a vector of %s is read', (type) => {
  const tensor = { type, dims: [1, 2, 2], data: numericData(type, [1, 0, 1, 1]) }
  expect(toEmbedding(tensor, { kind: 'embedding', output: 'y', pooling: 'mean' })).toEqual(Float32Array.of(1, 0.5))
})

test('text is no embedding', () => {
  const tensor = { type: 'string' as const, dims: [1, 1], data: ['1'] }
  expect(() => toEmbedding(tensor, { kind: 'embedding', output: 'y', pooling: 'none' })).toThrow('not an embedding')
})
