import * as fc from 'fast-check'
import { Tensor } from 'onnxruntime-common'
import { describe, expect, test } from 'vitest'
import { type TensorMap, tensorTypes } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { checkInputs } from './check-inputs.ts'

const manifest = {
  name: 'm',
  inputs: [
    { name: 'x', type: 'float32', shape: [-1, 2] },
    { name: 'k', type: 'int64', shape: [] },
  ],
} as const satisfies Parameters<typeof checkInputs>[0]

const x = { type: 'float32', dims: [1, 2], data: new Float32Array(2) } as const
const k = { type: 'int64', dims: [], data: new BigInt64Array(1) } as const
const check = (inputs: unknown, specs: Parameters<typeof checkInputs>[0] = manifest) =>
  checkInputs(specs, inputs as TensorMap)

test('inputs that fit pass, from onnxruntime or by hand', () => {
  check({ x, k })
  check({ x: { ...x, dims: [3, 2], data: new Float32Array(6) }, k })
  check({ x: new Tensor('float32', new Float32Array(2), [1, 2]), k })
  check({ x: { ...x, data: new Float32Array([Number.NaN, Number.POSITIVE_INFINITY]) }, k })
})

describe('inputs that do not fit are refused with what was expected and what was given', () => {
  test.each<[unknown, string, string]>([
    [undefined, 'input-missing', 'needs the input "x", "k"; none was given'],
    [null, 'input-missing', 'none was given'],
    [{ y: x, k }, 'input-missing', 'needs the input "x"; given: "y", "k"'],
    [{ x, k, constructor: x }, 'input-unexpected', 'has no input "constructor". Its inputs are "x", "k"'],
    [JSON.parse('{"__proto__":{"x":1}}'), 'input-missing', 'given: "__proto__"'],
    [Object.create({ x, k }), 'input-missing', 'none was given'],
    [{ x: [1, 2], k }, 'input-type', 'must be a tensor'],
    [{ x: null, k }, 'input-type', 'must be a tensor'],
    [{ x: { ...x, type: 'float64' }, k }, 'input-type', '"x" must be float32, but is float64'],
    [{ x: { ...x, dims: [2] }, k }, 'input-shape', '"x" must have shape [any, 2], but has [2]'],
    [{ x: { ...x, dims: [1, 3] }, k }, 'input-shape', 'must have shape [any, 2], but has [1, 3]'],
    [{ x: { ...x, dims: [-1, 2] }, k }, 'input-shape', 'whole numbers from 0 up, but are [-1, 2]'],
    [{ x: { ...x, dims: [1.5, 2] }, k }, 'input-shape', 'whole numbers from 0 up'],
    [{ x: { ...x, dims: [2 ** 63, 2] }, k }, 'input-shape', 'whole numbers from 0 up'],
    [{ x: { ...x, dims: ['1', 2] }, k }, 'input-shape', 'whole numbers from 0 up'],
    [{ x: { ...x, dims: new Array(2) }, k }, 'input-shape', 'but are [an Undefined, an Undefined]'],
    [{ x: { ...x, dims: new Array(2 ** 32 - 1) }, k }, 'input-shape', 'must have shape [any, 2], but has ['],
    [{ x: { ...x, type: { toString: 0 } }, k }, 'input-type', 'but is an Object'],
    [
      { x: { ...x, data: { [Symbol.toStringTag]: 'Float32Array', length: 2 } }, k },
      'input-values',
      'must be a Float32Array',
    ],
    [{ x: { ...x, dims: '12' }, k }, 'input-shape', 'whole numbers from 0 up, but are 12'],
    [{ x: { ...x, dims: [2 ** 40, 2] }, k }, 'input-shape', 'too large'],
    [{ x: { ...x, dims: [2, 2] }, k }, 'input-values', 'of shape [2, 2] needs 4 values, but has 2'],
    [
      { x: { ...x, data: new Float64Array(2) }, k },
      'input-values',
      'must be a Float32Array for float32, but is a Float64Array',
    ],
    [{ x: { ...x, data: [0, 0] }, k }, 'input-values', 'but is an Array'],
    [{ x: { ...x, data: new ArrayBuffer(8) }, k }, 'input-values', 'but is an ArrayBuffer'],
    [{ x: { ...x, data: undefined }, k }, 'input-values', 'must be a Float32Array'],
    [
      {
        x: {
          type: 'float32',
          dims: [1, 2],
          get data() {
            throw new Error('The data is not on CPU.')
          },
        },
        k,
      },
      'input-values',
      'not on the GPU',
    ],
  ])('%#', (inputs, code, part) => {
    expect(() => check(inputs)).toThrow(ValidationError)
    expect(() => check(inputs)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(part) }))
  })
})

test('dimensions beyond any memory are refused also beside a 0', () => {
  const free = { name: 'm', inputs: [{ name: 'x', type: 'float32', shape: [-1, -1] }] } as const
  const inputs = { x: { type: 'float32', dims: [2 ** 40, 0], data: new Float32Array(0) } }
  expect(() => check(inputs, free)).toThrow(expect.objectContaining({ code: 'input-shape' }))
})

test('float16 is raw bits or a Float16Array, strings are strings', () => {
  const half = { name: 'm', inputs: [{ name: 'x', type: 'float16', shape: [1] }] } as const
  check({ x: { type: 'float16', dims: [1], data: new Uint16Array(1) } }, half)
  expect(() => check({ x: { type: 'float16', dims: [1], data: new Float32Array(1) } }, half)).toThrow(
    'a Uint16Array for float16',
  )
  const text = { name: 'm', inputs: [{ name: 'x', type: 'string', shape: [-1] }] } as const
  check({ x: { type: 'string', dims: [1], data: ['a'] } }, text)
  expect(() => check({ x: { type: 'string', dims: [1], data: [1] } }, text)).toThrow('strings only')
})

test('an input of any number of dimensions takes any, but no endless list', () => {
  const any = { name: 'm', inputs: [{ name: 'x', type: 'float32' }] } as const
  const give = (dims: number[]) => () =>
    check({ x: { type: 'float32', dims, data: new Float32Array(dims.reduce((a, b) => a * b, 1)) } }, any)
  for (const dims of [[], [3], [2, 1, 2]]) expect(give(dims)).not.toThrow()
  expect(give(new Array(65).fill(1))).toThrow('at most 64 dimensions')
  for (const dims of [[-1], [0.5], 'a']) {
    const given = { x: { type: 'float32', dims, data: new Float32Array(1) } }
    expect(() => check(given, any)).toThrow(expect.objectContaining({ code: 'input-shape' }))
  }
  expect(() => check({ x: { type: 'float32', dims: [2], data: new Float32Array(3) } }, any)).toThrow('needs 2 values')
})
test.each([['a\0b'], ['\0'], ['a', 'b\0']])(
  'a text with NUL is refused, as the runtime would cut it there: %j',
  (...data) => {
    const text = { name: 'm', inputs: [{ name: 'x', type: 'string', shape: [-1] }] } as const
    const given = { x: { type: 'string' as const, dims: [data.length], data } }
    expect(() => check(given, text)).toThrow(
      expect.objectContaining({ code: 'input-values', context: { input: 'x', index: data.length - 1 } }),
    )
    expect(() => check(given, text)).toThrow(`a NUL character in its text ${data.length - 1}`)
  },
)

test('what throws when it is read is refused as well', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const throwing = Object.defineProperty({ ...x }, 'dims', {
    get() {
      throw new Error('no')
    },
  })
  for (const inputs of [
    proxy,
    { x: proxy, k },
    { x: { ...x, dims: proxy }, k },
    { x: { ...x, data: proxy }, k },
    { x: throwing, k },
  ]) {
    expect(() => check(inputs)).toThrow(expect.objectContaining({ name: 'ValidationError', code: 'input-values' }))
  }
})

test('whatever is given, it passes whole or is a ValidationError', () => {
  const anything = fc.anything()
  const tensor = fc.record({
    type: fc.oneof(fc.constantFrom(...tensorTypes), anything),
    dims: fc.oneof(fc.array(fc.oneof(fc.nat(4), fc.constantFrom(-1, 2 ** 53, Number.NaN))), anything),
    data: fc.oneof(fc.float32Array(), fc.uint8Array(), anything),
  })
  void fc.assert(
    fc.property(fc.oneof(fc.record({ x: tensor, k: fc.constant(k) }), anything), (inputs) => {
      try {
        check(inputs)
        const { dims, data } = (inputs as { x: { dims: number[]; data: unknown } }).x
        expect(data).toBeInstanceOf(Float32Array)
        expect(data).toHaveLength(dims.reduce((product, size) => product * size, 1))
      } catch (error) {
        expect(error).toBeInstanceOf(ValidationError)
      }
    }),
    { numRuns: 1_000 },
  )
})
