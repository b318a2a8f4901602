import { expect, test } from 'vitest'
import type { TensorData, TensorMap } from '../contracts/tensor.ts'
import { toFloat16Bits } from '../protocol/tensors/float16.ts'
import { isSameAnswer, isTelling, sampleAnswer } from './compare-answers.ts'
import { referenceInputs } from './reference-inputs.ts'

const answer = (type: TensorData['type'], data: TensorData['data'], dims = [data.length]): TensorMap => ({
  y: { type, dims, data },
})
const floats = (...values: number[]) => answer('float32', Float32Array.from(values))
const halves = (...values: number[]) => answer('float16', Uint16Array.from(values.map(toFloat16Bits)))
const longs = (...values: (number | bigint)[]) => answer('int64', BigInt64Array.from(values.map(BigInt)))

test.each<[string, TensorMap, TensorMap, boolean]>([
  ['rounded otherwise', floats(1, 1_000), floats(1.0005, 1_000.05), true],
  ['off by 16 %', floats(1, 2), floats(1.16, 2.32), false],
  ['not a number', floats(1), floats(Number.NaN), false],
  ['in another shape', floats(1, 2), answer('float32', Float32Array.of(1, 2), [1, 2]), false],
  ['without an output', floats(1), {}, false],
  ['16 bits, rounded otherwise', halves(0.5), halves(0.502), true],
  ['16 bits, off by 16 %', halves(0.5), halves(0.58), false],
  ['whole numbers that are equal', longs(3, 4), longs(3, 4), true],
  ['whole numbers that are not', longs(3, 4), longs(3, 5), false],
  ['whole numbers that no other number tells apart', longs(2n ** 60n), longs(2n ** 60n + 1n), false],
  ['infinite, and a number', floats(Number.POSITIVE_INFINITY), floats(5), false],
  ['infinite, and so the other way', floats(Number.POSITIVE_INFINITY), floats(Number.NEGATIVE_INFINITY), false],
  ['equally infinite, and equally no numbers', floats(-1 / 0, Number.NaN), floats(-1 / 0, Number.NaN), true],
  ['far below one, off by 16 %', floats(1e-4, 2e-4), floats(1.16e-4, 2.32e-4), false],
  ['far below one, rounded otherwise', floats(1e-4, 2e-4), floats(1.01e-4, 2.01e-4), true],
  ['zero but for rounding', floats(0, 0), floats(1e-8, -1e-8), true],
  ['texts that are equal', answer('string', ['a']), answer('string', ['a']), true],
  ['texts that are not', answer('string', ['a']), answer('string', ['b']), false],
])('two answers: %s', (_, one, other, same) => {
  expect(isSameAnswer(sampleAnswer(one), other, 1e-3)).toBe(same)
})

test('of a large output some values are kept, from all over it', () => {
  const sample = sampleAnswer(
    answer(
      'float32',
      Float32Array.from({ length: 100_000 }, (_, index) => index),
    ),
  )
  const values = sample.y?.values ?? []
  expect(values.length).toBeLessThanOrEqual(256)
  expect(Math.max(...values.map(Number))).toBeGreaterThan(99_000)
})

test('an answer of nothing, or of no numbers, says nothing', () => {
  expect(isTelling(sampleAnswer(floats(0, 1)))).toBe(true)
  expect(isTelling(sampleAnswer(floats()))).toBe(false)
  expect(isTelling(sampleAnswer(floats(1, Number.POSITIVE_INFINITY)))).toBe(false)
})

test('inputs to compare on are the same each time, valid for their types, and nowhere zero', () => {
  const specs = [
    { name: 'x', type: 'float32' as const, shape: [-1, 3] },
    { name: 'half', type: 'float16' as const, shape: [2] },
    { name: 'ids', type: 'int64' as const, shape: [1, -1] },
    { name: 'any', type: 'float32' as const },
  ]
  const inputs = referenceInputs(specs, 4)
  expect(inputs).toEqual(referenceInputs(specs, 4))
  expect(Object.values(inputs).map(({ dims }) => dims)).toEqual([[4, 3], [2], [1, 4], [4]])
  expect(inputs.ids?.data).toEqual(new BigInt64Array(4).fill(1n))
  expect(Array.from(inputs.x?.data ?? [], Number).every((value) => value > 0 && value < 1)).toBe(true)
  expect(new Set(inputs.x?.data as Float32Array).size).toBeGreaterThan(10)
})

test('a decoder is compared on logits that it gives', () => {
  const specs = ['input_ids', 'attention_mask', 'position_ids', 'logit_rows', 'past_key_values.0.key'].map((name) => ({
    name,
    type: name.endsWith('key') ? ('float32' as const) : ('int64' as const),
    shape: name.endsWith('key') ? [1, 2, 8, -1] : name === 'logit_rows' ? [-1] : [1, -1],
  }))
  const inputs = referenceInputs(specs, 4)
  expect(inputs.attention_mask?.dims).toEqual([1, 8])
  expect(inputs.position_ids?.data).toEqual(BigInt64Array.of(4n, 5n, 6n, 7n))
  expect(inputs.logit_rows).toEqual({ type: 'int64', dims: [1], data: BigInt64Array.of(0n) })
})
