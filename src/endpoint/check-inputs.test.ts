import { describe, expect, it } from 'vitest'
import type { Manifest } from '../contracts/manifest.ts'
import type { TensorData, TensorType } from '../contracts/tensor.ts'
import { checkInputs, checkOutputs } from './check-inputs.ts'

const manifest = {
  inputs: [
    { name: 'image', type: 'uint8', shape: [-1, 2, 3] },
    { name: 'samples', type: 'float32', shape: [-1] },
  ],
  outputs: [{ name: 'y', type: 'float32', shape: [-1] }],
} as unknown as Manifest

const tensor = (type: TensorType, dims: number[]): TensorData => ({ type, dims, data: [] })
const samples = tensor('float32', [16_000])

describe('checkInputs', () => {
  it.each([[0], [1], [256]])('takes a batch of %i, and a long free dimension that is no batch', (batch) => {
    checkInputs(manifest, { image: tensor('uint8', [batch, 2, 3]), samples })
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
    expect(() => checkInputs(manifest, inputs)).toThrow(expect.objectContaining({ name: 'ValidationError', code }))
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
