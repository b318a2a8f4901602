import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tensorTypes } from '../../contracts/tensor.ts'
import { holdsNumber, numericData, tensorNumbers } from './tensor-numbers.ts'

const numericTypes = tensorTypes.filter((type) => type !== 'string')
const roundTrip = (type: (typeof numericTypes)[number], numbers: number[]) =>
  Array.from(tensorNumbers({ type, dims: [numbers.length], data: numericData(type, numbers) }) ?? [])

test.each(numericTypes)('numbers written as %s are read again', (type) => {
  expect(roundTrip(type, [0, 1, 1])).toEqual([0, 1, 1])
  expect(roundTrip(type, [])).toEqual([])
})

test('half precision is widened, wherever in its buffer it lies', () => {
  const data = Uint16Array.of(0, 0x3c00, 0xc000, 0x3555).subarray(1)
  const [one, two, third] = tensorNumbers({ type: 'float16', dims: [3], data }) ?? []
  expect([one, two, third?.toFixed(4)]).toEqual([1, -2, '0.3333'])
})

test('integers of 64 bits become numbers', () => {
  const data = BigInt64Array.of(-1n, 2n ** 53n)
  expect(tensorNumbers({ type: 'int64', dims: [2], data })).toEqual(Float64Array.of(-1, 2 ** 53))
})

test('numbers are not copied, and text is none', () => {
  const data = Float32Array.of(1)
  expect(tensorNumbers({ type: 'float32', dims: [1], data })).toBe(data)
  expect(tensorNumbers({ type: 'string', dims: [1], data: ['1'] })).toBeUndefined()
})

test.each<[(typeof numericTypes)[number], number[], number[]]>([
  ['bool', [0, 1], [2, -1, 0.5]],
  ['uint8', [0, 255], [256, -1, 0.5]],
  ['int8', [-128, 127], [128, -129]],
  ['int64', [-(2 ** 53), 2 ** 62], [2 ** 63, 0.5, Number.NaN]],
  ['uint64', [0, 2 ** 63], [-1, 2 ** 64]],
  ['float16', [0.1, 65_504], [65_520, Number.NaN, Number.POSITIVE_INFINITY]],
  ['float32', [0.1, 1e38], [1e39]],
  ['float64', [0.1, 1e308], [Number.NaN]],
])('%s can hold what is in its range', (type, held, refused) => {
  expect(held.filter((value) => !holdsNumber(type, value))).toEqual([])
  expect(refused.filter((value) => holdsNumber(type, value))).toEqual([])
})

test('a number that a type of whole numbers can hold is read as it was written', () => {
  fc.assert(
    fc.property(fc.constantFrom(...numericTypes), fc.maxSafeInteger(), (type, value) => {
      fc.pre(!type.startsWith('float') && holdsNumber(type, value))
      expect(roundTrip(type, [value])).toEqual([value])
    }),
  )
})
