import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logNormal } from '../utils/log-normal.ts'
import { createRateEstimator, unknownRateVariance } from './rate-estimator.ts'
import { createRoundTripEstimator } from './round-trip-estimator.ts'
import { splitNetworkTime } from './split-network-time.ts'

const medianOf = ({ mu }: { readonly mu: number }) => Math.exp(mu)

test('a round trip starts from the hint, and without a usable one from 80 ms', () => {
  expect(medianOf(createRoundTripEstimator(25).estimate(0))).toBeCloseTo(25, 9)
  for (const hint of [undefined, 0, -5, Number.NaN]) {
    expect(medianOf(createRoundTripEstimator(hint).estimate(0))).toBeCloseTo(80, 9)
  }
})

test('either estimator finds a steady value, wherever it starts', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 10_000, noNaN: true }),
      fc.double({ min: 1, max: 5_000, noNaN: true }),
      (value, start) => {
        const trip = createRoundTripEstimator(start)
        const rate = createRateEstimator(start * 1e5)
        for (let sample = 0; sample < 40; sample += 1) {
          trip.observe(value, sample * 1000)
          rate.observe(value * 1e5, sample * 1000)
        }
        expect(Math.abs(trip.estimate(40_000).mu - Math.log(value))).toBeLessThan(0.05)
        expect(Math.abs(rate.estimate(40_000).mu - Math.log(value * 1e5))).toBeLessThan(0.05)
      },
    ),
  )
})

test('a single spike does not double a settled round trip', () => {
  const trip = createRoundTripEstimator()
  for (let sample = 0; sample < 30; sample += 1) trip.observe(40, sample)
  trip.observe(4_000, 30)
  expect(medianOf(trip.estimate(30))).toBeLessThan(80)
})

test('a rate never becomes less certain than an unknown one, and age makes it less certain', () => {
  const rate = createRateEstimator(5e6)
  const unknown = rate.estimate(0).variance
  rate.observe(2e6, 0)
  let last = 0
  for (const ms of [0, 1_000, 30_000, 120_000]) {
    const { variance } = rate.estimate(ms)
    expect(variance).toBeGreaterThan(last)
    last = variance
  }
  rate.widen(1e9)
  expect(rate.uncertainty).toBe(unknownRateVariance)
  expect(rate.estimate(1e9).variance).toBeLessThanOrEqual(unknown)
})

test('the parts of a split are positive and make the whole', () => {
  const part = fc
    .tuple(fc.double({ min: 0.05, max: 60_000, noNaN: true }), fc.double({ min: 0, max: 2, noNaN: true }))
    .map(([median, variance]) => logNormal(median, variance))
  fc.assert(
    fc.property(
      fc.double({ min: 0.05, max: 1e6, noNaN: true }),
      fc.array(part, { minLength: 1, maxLength: 3 }),
      (totalMs, parts) => {
        const split = splitNetworkTime(totalMs, parts)
        expect(split).toHaveLength(parts.length)
        for (const ms of split) expect(ms).toBeGreaterThan(0)
        expect(split.reduce((sum, ms) => sum + ms, 0) / totalMs).toBeCloseTo(1, 9)
      },
    ),
  )
})

test('the uncertain part takes what the prediction missed', () => {
  const [sure = 0, unsure = 0] = splitNetworkTime(500, [logNormal(100, 0.01), logNormal(100, 1)])
  expect(sure).toBeLessThan(115)
  expect(unsure).toBeGreaterThan(385)
  const [first, second] = splitNetworkTime(200, [logNormal(120, 0.3), logNormal(80, 0.3)])
  expect(first).toBeCloseTo(120, 3)
  expect(second).toBeCloseTo(80, 3)
})
