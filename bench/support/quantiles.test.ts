import { expect, test } from 'vitest'
import { quantile, summarize } from './quantiles.ts'

test('quantiles interpolate between samples, in whatever order they came', () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
  expect(quantile([10, 20, 30], 0.25)).toBe(15)
  expect(quantile([7], 0.99)).toBe(7)
  expect(quantile([], 0.5)).toBeNaN()
})

test('a summary is the median with its quartiles', () => {
  expect(summarize([5, 1, 3, 2, 4])).toEqual({ median: 3, q1: 2, q3: 4, count: 5 })
})
