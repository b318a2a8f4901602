import { describe, expect, it } from 'vitest'
import { fromFloat16Bits, toFloat16Bits } from './float16.ts'

describe('float16', () => {
  it('gives back the bits of every finite value and both infinities', () => {
    for (let bits = 0; bits < 0x10000; bits += 1) {
      const noNumber = (bits & 0x7c00) === 0x7c00 && (bits & 0x3ff) !== 0
      if (!noNumber && toFloat16Bits(fromFloat16Bits(bits)) !== bits)
        expect(bits).toBe(toFloat16Bits(fromFloat16Bits(bits)))
    }
    expect(fromFloat16Bits(toFloat16Bits(Number.NaN))).toBeNaN()
  })

  it.each([
    ['a tie to the even neighbour below', 2049, 2048],
    ['a tie to the even neighbour above', 2051, 2052],
    ['up into the next power of two', 2047.9, 2048],
    ['a subnormal tie to zero', 2 ** -25, 0],
    ['just above that tie to the smallest subnormal', 2 ** -25 * 1.001, 2 ** -24],
    ['the largest before infinity', 65_519.99, 65_504],
    ['to infinity', 65_520, Number.POSITIVE_INFINITY],
    ['a negative', -0.1, -0.0999755859375],
  ])('rounds %s', (_, value, expected) => {
    expect(fromFloat16Bits(toFloat16Bits(value))).toBe(expected)
  })
})
