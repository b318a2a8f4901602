import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { TensorData } from '../../contracts/tensor.ts'
import { fromTensorBytes, toTensorBytes } from './tensor-bytes.ts'

const refuses = (code: string) => expect.objectContaining({ name: 'ValidationError', code })

describe('toTensorBytes', () => {
  it('is little-endian and copies nothing', () => {
    const data = new Uint16Array([0x0102, 0x0304])
    const bytes = toTensorBytes({ type: 'uint16', dims: [2], data })
    expect([...bytes]).toEqual([2, 1, 4, 3])
    expect(bytes.buffer).toBe(data.buffer)
  })

  it('takes only the part that a view covers', () => {
    const data = new Float32Array([1, 2, 3]).subarray(1, 2)
    expect([...toTensorBytes({ type: 'float32', dims: [1], data })]).toEqual([0, 0, 0, 64])
  })

  it('writes a string as its length and its UTF-8', () => {
    const bytes = toTensorBytes({ type: 'string', dims: [3], data: ['a', '', 'ü'] })
    expect([...bytes]).toEqual([1, 0, 0, 0, 97, 0, 0, 0, 0, 2, 0, 0, 0, 0xc3, 0xbc])
  })

  it('takes an array of another realm, or of a class that extends its own', () => {
    class Samples extends Float32Array {}
    const foreign: Float32Array = runInNewContext('Float32Array.of(1)')
    for (const data of [new Samples([1]), foreign]) {
      expect([...toTensorBytes({ type: 'float32', dims: [1], data })]).toEqual([0, 0, 128, 63])
    }
  })

  it('takes a Float16Array as its bits', () => {
    const data = Object.defineProperty(Uint16Array.of(0x3c00), Symbol.toStringTag, { value: 'Float16Array' })
    expect([...toTensorBytes({ type: 'float16', dims: [1], data })]).toEqual([0x00, 0x3c])
  })

  it.each([
    ['too few elements', { type: 'uint8', dims: [2], data: new Uint8Array(1) }, 'input-shape'],
    ['an impossible shape', { type: 'uint8', dims: [-1], data: new Uint8Array(1) }, 'input-shape'],
    ['another array', { type: 'float32', dims: [1], data: new Uint8Array(1) }, 'input-type'],
    ['strings for numbers', { type: 'float32', dims: [1], data: ['1'] }, 'input-type'],
    ['numbers for strings', { type: 'string', dims: [1], data: new Uint8Array(1) }, 'input-type'],
    ['a number among strings', { type: 'string', dims: [1], data: [1] as unknown as string[] }, 'input-type'],
  ] satisfies [string, TensorData, string][])('refuses %s', (_, tensor, code) => {
    expect(() => toTensorBytes(tensor)).toThrow(refuses(code))
  })
})

describe('fromTensorBytes', () => {
  it('is a view where the bytes are aligned, and a copy where they are not', () => {
    const bytes = new Uint8Array(new Float32Array([0, 1.5]).buffer)
    const { data } = fromTensorBytes('float32', [1], bytes.subarray(4))
    expect(data).toEqual(new Float32Array([1.5]))
    expect((data as Float32Array).buffer).toBe(bytes.buffer)

    for (const shifted of [new Uint8Array([9, ...bytes]), Buffer.from(new Uint8Array([9, ...bytes]).buffer)]) {
      const copied = fromTensorBytes('float32', [2], shifted.subarray(1))
      expect(copied.data).toEqual(new Float32Array([0, 1.5]))
      expect((copied.data as Float32Array).buffer).not.toBe(shifted.buffer)
    }
  })

  it.each([
    ['a byte too few', 'int32', [2], [0, 0, 0, 0, 0, 0, 0], 'input-shape'],
    ['a byte too many', 'int32', [1], [0, 0, 0, 0, 0], 'input-shape'],
    ['bytes of an empty tensor', 'int32', [0], [0], 'input-shape'],
    ['an impossible shape', 'int32', [2 ** 40, 0], [], 'input-shape'],
    ['a bool of 2', 'bool', [2], [1, 2], 'input-values'],
    ['a string that is cut', 'string', [1], [2, 0, 0, 0, 97], 'input-shape'],
    ['a length that is cut', 'string', [2], [1, 0, 0, 0, 97, 1, 0, 0], 'input-shape'],
    ['a length of 4 GiB', 'string', [1], [255, 255, 255, 255], 'input-shape'],
    ['too many strings', 'string', [1], [0, 0, 0, 0, 0, 0, 0, 0], 'input-shape'],
    ['two billion strings', 'string', [2 ** 31 - 1], [0, 0, 0, 0], 'input-shape'],
    ['text that is not UTF-8', 'string', [1], [1, 0, 0, 0, 0xff], 'input-values'],
  ] as const)('refuses %s', (_, type, dims, bytes, code) => {
    expect(() => fromTensorBytes(type, dims, new Uint8Array(bytes))).toThrow(refuses(code))
  })
})
