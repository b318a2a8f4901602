import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorData, TensorType } from '../../contracts/tensor.ts'
import { checkOutputs, checkRequest } from './check-request.ts'

const manifest = {
  name: 'm',
  inputs: [
    { name: 'image', type: 'uint8', shape: [-1, 2, 3] },
    { name: 'samples', type: 'float32', shape: [-1] },
  ],
  outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
} as unknown as Manifest

const tensor = (type: TensorType & ('uint8' | 'float32'), dims: number[]): TensorData => {
  const size = dims.reduce((product, dim) => product * dim, 1)
  return { type, dims, data: type === 'uint8' ? new Uint8Array(size) : new Float32Array(size) }
}
const samples = tensor('float32', [16_000])

describe('checkRequest', () => {
  it.each([[0], [1], [256]])('takes a batch of %i, and a long free dimension that is no batch', (batch) => {
    checkRequest(manifest, { image: tensor('uint8', [batch, 2, 3]), samples })
  })

  it.each([
    ['a missing input', { samples }, 'input-missing'],
    [
      'an input of every object',
      { samples, image: tensor('uint8', [1, 2, 3]), constructor: samples },
      'input-unexpected',
    ],
    ['another type', { samples, image: tensor('float32', [1, 2, 3]) }, 'input-type'],
    ['too few dimensions', { samples, image: tensor('uint8', [2, 3]) }, 'input-shape'],
    ['too many dimensions', { samples, image: tensor('uint8', [1, 2, 3, 1]) }, 'input-shape'],
    ['another size', { samples, image: tensor('uint8', [1, 2, 4]) }, 'input-shape'],
    ['too large a batch', { samples, image: tensor('uint8', [257, 2, 3]) }, 'input-shape'],
  ])('refuses %s', (_, inputs, code) => {
    expect(() => checkRequest(manifest, inputs)).toThrow(expect.objectContaining({ name: 'ValidationError', code }))
  })
})

describe('checkOutputs', () => {
  it('refuses an output that the model does not have', () => {
    checkOutputs(manifest, ['y'])
    expect(() => checkOutputs(manifest, ['y', 'toString'])).toThrow(
      expect.objectContaining({ code: 'options-invalid' }),
    )
  })
})
