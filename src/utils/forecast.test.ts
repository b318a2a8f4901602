import fc from 'fast-check'
import { expect, test } from 'vitest'
import { asOneLogNormal, meanOfForecast, p90OfForecast } from './forecast.ts'
import { logNormal, meanOf, p90Of } from './log-normal.ts'

const positive = (min: number, max: number) => fc.double({ min, max, noNaN: true })
const one = fc
  .record({ median: positive(0.01, 1e6), variance: positive(0, 3) })
  .map(({ median, variance }) => logNormal(median, variance))

test('without another way it is the log-normal itself', () => {
  const time = logNormal(120, 0.3)
  expect(meanOfForecast(time)).toBeCloseTo(meanOf(time), 9)
  expect(p90OfForecast(time)).toBeCloseTo(p90Of(time), 9)
  expect(asOneLogNormal(time)).toEqual(time)
})

test('a mixture’s mean and percentile lie between those of its parts, and follow the chance', () => {
  fc.assert(
    fc.property(one, one, positive(0.001, 0.999), (first, value, chance) => {
      const mixed = { ...first, otherwise: { chance, value } }
      const [mean, p90] = [meanOfForecast(mixed), p90OfForecast(mixed)]
      const within = (x: number, a: number, b: number) => {
        expect(x).toBeGreaterThanOrEqual(Math.min(a, b) * (1 - 1e-6))
        expect(x).toBeLessThanOrEqual(Math.max(a, b) * (1 + 1e-6))
      }
      within(mean, meanOf(first), meanOf(value))
      within(p90, p90Of(first), p90Of(value))
    }),
  )
})

test('nine of ten drawn from a mixture lie below its 90th percentile', () => {
  const p90 = p90OfForecast({ ...logNormal(100, 0), otherwise: { chance: 0.3, value: logNormal(1000, 0.25) } })
  // A tenth of all is a third of the slower part: the point that this part exceeds once in three.
  expect(p90).toBeCloseTo(1000 * Math.exp(0.5 * 0.4307), -1)
})
