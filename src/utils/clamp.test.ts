import { expect, test } from 'vitest'
import { clamp } from './clamp.ts'

test.each([
  [-1, 0],
  [0, 0],
  [3, 3],
  [11, 10],
  [Number.POSITIVE_INFINITY, 10],
  [Number.NaN, Number.NaN],
])('clamp(%d, 0, 10) is %d', (value, clamped) => {
  expect(clamp(value, 0, 10)).toBe(clamped)
})
