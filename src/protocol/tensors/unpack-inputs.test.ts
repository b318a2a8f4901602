import { describe, expect, it } from 'vitest'
import type { WireForm } from '../../contracts/preprocessing.ts'
import { unpackInputs } from './unpack-inputs.ts'

const bytes = (dims: number[], ...data: number[]) => ({ type: 'uint8', dims, data: Uint8Array.from(data) }) as const
const one: WireForm = { input: 'x', type: 'uint8', mean: [127], scale: [1 / 128] }
const each: WireForm = { input: 'x', type: 'uint8', mean: [0, 10], scale: [1, 0.5] }

describe('unpackInputs', () => {
  it('takes the mean from each byte and scales it', () => {
    const { x } = unpackInputs([one], { x: bytes([1, 1, 1, 3], 0, 127, 255) })
    expect(x).toEqual({ type: 'float32', dims: [1, 1, 1, 3], data: Float32Array.of(-127 / 128, 0, 1) })
  })

  it('treats each channel as its own, planes and pixels alike', () => {
    expect(unpackInputs([each], { x: bytes([1, 2, 1, 2], 1, 2, 12, 14) }).x?.data).toEqual(Float32Array.of(1, 2, 1, 2))
    const last = { ...each, channelAxis: 3 }
    expect(unpackInputs([last], { x: bytes([1, 1, 2, 2], 1, 12, 2, 14) }).x?.data).toEqual(Float32Array.of(1, 1, 2, 2))
  })

  it('counts channels anew for each item of a batch', () => {
    expect(unpackInputs([each], { x: bytes([2, 2, 1, 1], 1, 12, 3, 14) }).x?.data).toEqual(Float32Array.of(1, 1, 3, 2))
  })

  it('leaves alone what is in no wire form', () => {
    const x = { type: 'float32', dims: [1], data: Float32Array.of(3) } as const
    expect(unpackInputs([one], { x }).x).toBe(x)
    expect(unpackInputs([one], { y: bytes([1], 3) }).y?.type).toBe('uint8')
    const inputs = { x: bytes([1], 3) }
    expect(unpackInputs(undefined, inputs)).toBe(inputs)
  })
})
