import { expect, test } from 'vitest'
import { tensorTypes } from '../../contracts/tensor.ts'
import { literalTensors } from '../../protocol/tensors/literal-tensors.ts'
import { checkCanary, zeroInputs } from './canary.ts'

const expected = [{ name: 'y', type: 'float32' as const, shape: [2], data: [1, -2] }]
const answer = (...data: number[]) => ({
  y: { type: 'float32' as const, dims: [data.length], data: Float32Array.from(data) },
})

test('an answer within the tolerance that the manifest states is right', () => {
  expect(() => checkCanary(expected, answer(1, -2), 0)).not.toThrow()
  expect(() => checkCanary(expected, answer(1.0009, -2.0009), 1e-3)).not.toThrow()
})

test.each([
  ['further off', answer(1.01, -2)],
  ['NaN', answer(Number.NaN, -2)],
  ['infinite', answer(1, Number.NEGATIVE_INFINITY)],
  ['too short', answer(1)],
  ['too long', answer(1, -2, 0)],
  ['missing', {}],
])('30: one that is %s is wrong', (_, got) => {
  expect(() => checkCanary(expected, got, 1e-3)).toThrow(expect.objectContaining({ code: 'model-wrong-answer' }))
})

test('a model without a canary is warmed up with zeros, each free dimension at one', () => {
  const inputs = zeroInputs([
    { name: 'ids', type: 'int64', shape: [-1, 3] },
    { name: 'rate', type: 'float32', shape: [] },
  ])
  expect(inputs.ids).toMatchObject({ type: 'int64', dims: [1, 3], data: BigInt64Array.of(0n, 0n, 0n) })
  expect(inputs.rate).toMatchObject({ dims: [], data: Float32Array.of(0) })
})

test.each(tensorTypes.filter((type) => type !== 'string'))(
  'a canary of %s is given and compared as numbers',
  (type) => {
    const literal = { name: 'y', type, shape: [2], data: [1, 0] }
    expect(() => checkCanary([literal], literalTensors([literal]), 0)).not.toThrow()
    const other = literalTensors([{ ...literal, data: [0, 0] }])
    expect(() => checkCanary([literal], other, 0.5)).toThrow(expect.objectContaining({ code: 'model-wrong-answer' }))
  },
)

test('a canary of half precision is held to the tolerance', () => {
  const half = { name: 'y', type: 'float16' as const, shape: [1], data: [0.1] }
  expect(() => checkCanary([half], literalTensors([half]), 1e-4)).not.toThrow()
  expect(() => checkCanary([half], literalTensors([half]), 0)).toThrow()
})
