import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logNormal, meanOf } from './log-normal.ts'
import { normalCdf, remainingTime } from './remaining-time.ts'

test('the normal distribution is as its tables have it', () => {
  expect(normalCdf(0)).toBeCloseTo(0.5, 6)
  expect(normalCdf(1.2815515655)).toBeCloseTo(0.9, 6)
  expect(normalCdf(-1.6448536269)).toBeCloseTo(0.05, 6)
})

test('nothing passed: the whole time is left', () => {
  const time = logNormal(1_000, 0.3)
  for (const elapsedMs of [0, -5, Number.NaN]) expect(remainingTime(time, elapsedMs)).toBe(time)
})

test('what is left agrees with drawing such times and leaving out those that are over', () => {
  const time = logNormal(1_000, 0.25)
  let seed = 1
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random())
  const draws = Array.from({ length: 200_000 }, () => Math.exp(time.mu + 0.5 * normal()))
  for (const elapsedMs of [200, 800, 1_500]) {
    const left = draws.flatMap((ms) => (ms > elapsedMs ? [ms - elapsedMs] : []))
    const mean = left.reduce((sum, ms) => sum + ms, 0) / left.length
    expect(meanOf(remainingTime(time, elapsedMs)) / mean).toBeCloseTo(1, 1)
  }
})

test('a surely known time is shortened by what has passed; one long overdue lasts on in proportion', () => {
  expect(meanOf(remainingTime(logNormal(1_000, 1e-6), 400))).toBeCloseTo(600, -1)
  const overdue = meanOf(remainingTime(logNormal(100, 0.05), 10_000))
  expect(overdue).toBeGreaterThan(1_000)
  expect(overdue).toBeLessThan(20_000)
})

test('what is left is always a time', () => {
  const values = fc.double({ min: 1e-3, max: 1e9, noNaN: true })
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 4, noNaN: true }), values, (median, variance, elapsedMs) => {
      const left = remainingTime(logNormal(median, variance), elapsedMs)
      expect(Number.isFinite(meanOf(left)) && meanOf(left) > 0 && left.variance >= 0).toBe(true)
    }),
  )
})
