import { expect, test } from 'vitest'
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
