import { describe, expect, it } from 'vitest'
import type { TensorData, TensorType } from '../../contracts/tensor.ts'
import { fromTensorJson, toTensorText } from './tensor-json.ts'

const toTensorJson = (tensor: TensorData): unknown => JSON.parse(`[${[...toTensorText(tensor)].join('')}]`)

const refuses = (code: string) => expect.objectContaining({ name: 'ValidationError', code })

describe('fromTensorJson', () => {
  it.each([
    ['flat', [1, 2, 3, 4]],
    [
      'nested',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      'nested deeper than the shape',
      [
        [[1], [2]],
        [[3], [4]],
      ],
    ],
  ])('takes %s data', (_, data) => {
    expect(fromTensorJson('int16', [2, 2], data).data).toEqual(new Int16Array([1, 2, 3, 4]))
  })

  it.each([
    ['bool', [true, false, 1, 0], new Uint8Array([1, 0, 1, 0])],
    ['int64', [-9007199254740991, 0, 1, 2], new BigInt64Array([-9007199254740991n, 0n, 1n, 2n])],
    ['float16', [1, -2, 0.5, 65504], new Uint16Array([0x3c00, 0xc000, 0x3800, 0x7bff])],
    ['float32', [1e-50, 3.40282347e38, -0, 1.5], new Float32Array([0, 3.4028234663852886e38, -0, 1.5])],
    ['string', ['', 'a', 'ü', '1'], ['', 'a', 'ü', '1']],
    ['string', ['\ud800', '😀\udc00', 'a', ''], ['\ufffd', '😀\ufffd', 'a', '']],
  ] as const)('reads %s', (type, json, data) => {
    expect(fromTensorJson(type, [4], json)).toEqual({ type, dims: [4], data })
  })

  it.each([
    ['too few elements', 'int8', [2], [1], 'input-shape'],
    [
      'too many elements',
      'int8',
      [2],
      [
        [1, 2],
        [3, 4],
      ],
      'input-shape',
    ],
    ['a ragged nesting', 'int8', [3], [[1, 2], [3]], 'input-shape'],
    ['a nesting of two depths', 'int8', [2], [1, [2]], 'input-shape'],
    ['an impossible shape', 'int8', [2 ** 40, 0], [], 'input-shape'],
    ['a value below the range', 'uint8', [1], [-1], 'input-values'],
    ['a value above the range', 'int8', [1], [128], 'input-values'],
    ['a fraction as an integer', 'int32', [1], [0.5], 'input-values'],
    ['an integer beyond 2^53', 'int64', [1], [2 ** 53], 'input-values'],
    ['a negative unsigned integer', 'uint64', [1], [-1], 'input-values'],
    ['null', 'float32', [1], [null], 'input-values'],
    ['text as a number', 'float32', [1], ['1'], 'input-values'],
    ['true as a number', 'float32', [1], [true], 'input-values'],
    ['an object', 'float32', [1], [{}], 'input-values'],
    ['a number that overflows', 'float32', [1], [1e39], 'input-values'],
    ['infinity by overflow', 'float64', [1], [Number.POSITIVE_INFINITY], 'input-values'],
    ['a float16 that overflows', 'float16', [1], [70_000], 'input-values'],
    ['2 as a bool', 'bool', [1], [2], 'input-values'],
    ['a number as a string', 'string', [1], [1], 'input-values'],
  ] satisfies [string, TensorType, number[], unknown[], string][])('refuses %s', (_, type, dims, json, code) => {
    expect(() => fromTensorJson(type, dims, json)).toThrow(refuses(code))
  })
})

describe('toTensorText', () => {
  it('writes float16 as numbers, from bits and from a Float16Array', () => {
    // Stands for the browser's, whose elements are numbers too; Node 20 has none.
    const data = Object.defineProperty(Float32Array.of(1.5), Symbol.toStringTag, { value: 'Float16Array' })
    const half = { type: 'float16', dims: [1] } as const
    expect(toTensorJson({ ...half, data: new Uint16Array([0x3e00]) })).toEqual([1.5])
    expect(toTensorJson({ ...half, data })).toEqual([1.5])
  })

  it.each([
    ['NaN', { type: 'float32', dims: [1], data: new Float32Array([Number.NaN]) }],
    ['an infinity', { type: 'float64', dims: [1], data: new Float64Array([Number.NEGATIVE_INFINITY]) }],
    ['a float16 NaN', { type: 'float16', dims: [1], data: new Uint16Array([0x7e00]) }],
    ['an integer beyond 2^53', { type: 'int64', dims: [1], data: new BigInt64Array([2n ** 53n]) }],
  ] satisfies [string, TensorData][])('refuses %s', (_, tensor) => {
    expect(() => toTensorJson(tensor)).toThrow(refuses('input-values'))
  })
})
