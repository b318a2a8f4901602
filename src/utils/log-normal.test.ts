import fc from 'fast-check'
import { expect, test } from 'vitest'
import { divide, type LogNormal, logNormal, meanOf, p90Of, sumOf } from './log-normal.ts'

const anyTime: fc.Arbitrary<LogNormal> = fc.record({
  mu: fc.double({ min: -7, max: 20, noNaN: true }),
  variance: fc.double({ min: 0, max: 4, noNaN: true }),
})
const varianceOf = (time: LogNormal) => meanOf(time) ** 2 * Math.expm1(time.variance)

test('without variance the mean and every percentile are the median', () => {
  expect(meanOf(logNormal(50, 0))).toBeCloseTo(50, 9)
  expect(p90Of(logNormal(50, 0))).toBeCloseTo(50, 9)
})

test('a known case: median 1, variance 1', () => {
  expect(meanOf(logNormal(1, 1))).toBeCloseTo(1.6487, 4)
  expect(p90Of(logNormal(1, 1))).toBeCloseTo(3.6022, 4)
})

test('bits over a rate are a time, as uncertain as the rate', () => {
  const seconds = divide(8e6, logNormal(2e6, 0.3))
  expect(Math.exp(seconds.mu)).toBeCloseTo(4, 9)
  expect(seconds.variance).toBe(0.3)
})

test('a sum of one is that one', () => {
  fc.assert(
    fc.property(anyTime, (time) => {
      const sum = sumOf([time])
      expect(sum.mu).toBeCloseTo(time.mu, 6)
      expect(sum.variance).toBeCloseTo(time.variance, 6)
    }),
  )
})

test('a sum has the mean and the variance of its parts together, in any order', () => {
  fc.assert(
    fc.property(fc.array(anyTime, { minLength: 1, maxLength: 6 }), (parts) => {
      const sum = sumOf(parts)
      const total = (of: (part: LogNormal) => number) => parts.reduce((all, part) => all + of(part), 0)
      expect(meanOf(sum) / total(meanOf)).toBeCloseTo(1, 6)
      expect(varianceOf(sum)).toBeLessThanOrEqual(total(varianceOf) * (1 + 1e-6) + 1e-12)
      expect(varianceOf(sum)).toBeGreaterThanOrEqual(total(varianceOf) * (1 - 1e-6) - 1e-12)
      expect(sumOf([...parts].reverse()).mu).toBeCloseTo(sum.mu, 6)
    }),
  )
})
