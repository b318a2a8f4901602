import { Tensor } from 'onnxruntime-common'
import { expect, test } from 'vitest'
import type { TensorData } from '../../../contracts/tensor.ts'
import { inputTensors } from './tensor-maps.ts'

const manifest = { name: 'm', inputs: [{ name: 'x', type: 'string', shape: [-1] }] } as const
const texts = (data: unknown) => inputTensors(manifest, { x: { type: 'string', dims: [(data as []).length], data } })

test('half of a surrogate pair becomes U+FFFD, and whole characters stay', () => {
  expect(texts(['\ud800', 'a\udc00b', '\udc00\ud800', '😀', '', 'é']).x?.data).toEqual([
    '\ufffd',
    'a\ufffdb',
    '\ufffd\ufffd',
    '😀',
    '',
    'é',
  ])
})

test('what an endpoint would read is what this device gets', () => {
  const data = ['\ud83d', '\ude00\ud83d', '😀\ud83d']
  const read = data.map((text) => new TextDecoder().decode(new TextEncoder().encode(text)))
  expect(texts(data).x?.data).toEqual(read)
})

test('a text with NUL is refused on the page, whichever arm would run it', () => {
  expect(() => texts(['a\0b'])).toThrow(expect.objectContaining({ name: 'ValidationError', code: 'input-values' }))
})

test('tensors of onnxruntime become plain, and what is none is refused', () => {
  const floats = { name: 'm', inputs: [{ name: 'x', type: 'float32', shape: [-1] }] } as const
  const x = new Tensor('float32', Float32Array.of(1), [1])
  expect(Object.getPrototypeOf(inputTensors(floats, { x }).x)).toBe(Object.prototype)
  const odd = { x: null as unknown as TensorData }
  expect(() => inputTensors(floats, odd)).toThrow(expect.objectContaining({ code: 'input-type' }))
  x.dispose()
  expect(() => inputTensors(floats, { x })).toThrow(expect.objectContaining({ code: 'input-values' }))
})
