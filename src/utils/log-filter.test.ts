import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLogFilter, type LogFilterOptions } from './log-filter.ts'

const options: LogFilterOptions = {
  prior: { median: 100, variance: 1 },
  range: [1, 10_000],
  noise: 0.1,
  driftPerSecond: 0.01,
  maxVariance: 1.2,
}
const trained = (value: number, count = 20, given = options) => {
  const filter = createLogFilter(given)
  for (let sample = 0; sample < count; sample += 1) filter.observe(value, 0)
  return filter
}

test('before the first sample it says what is assumed', () => {
  const filter = createLogFilter(options)
  expect(Math.exp(filter.estimate(0).mu)).toBeCloseTo(100, 9)
  expect(filter.estimate(0).variance).toBeCloseTo(1.1, 9)
  expect(filter.samples).toBe(0)
  expect(filter.observedAtMs).toBeUndefined()
  expect(filter.snapshot()).toBeUndefined()
})

test('the first sample follows the Kalman update', () => {
  const filter = createLogFilter(options)
  filter.observe(200, 0)
  const gain = 1 / 1.1
  expect(filter.estimate(0).mu).toBeCloseTo(Math.log(100) + gain * Math.log(2), 9)
  expect(filter.uncertainty).toBeCloseTo((1 - gain) * 1, 9)
})

test('a lighter sample moves it less', () => {
  const [heavy, light] = [createLogFilter(options), createLogFilter(options)]
  heavy.observe(200, 0)
  light.observe(200, 0, 0.1)
  expect(light.estimate(0).mu).toBeLessThan(heavy.estimate(0).mu)
  expect(light.estimate(0).mu).toBeGreaterThan(Math.log(100))
})

test('what is no positive finite number is not taken', () => {
  const filter = createLogFilter(options)
  for (const value of [Number.NaN, 0, -1, Number.POSITIVE_INFINITY]) expect(filter.observe(value, 0)).toBe(false)
  for (const weight of [Number.NaN, 0, -1]) expect(filter.observe(5, 0, weight)).toBe(false)
  expect(filter.samples).toBe(0)
})

test('age makes it less certain, up to a limit; a clock that jumped back does not', () => {
  const filter = trained(50)
  const at = (ms: number) => filter.estimate(ms).variance
  expect(at(10_000) - at(0)).toBeCloseTo(0.1, 9)
  expect(at(1e12)).toBe(at(120_000))
  expect(at(-1e6)).toBe(at(0))
  expect(at(Number.NaN)).toBe(at(0))
})

test('one outlier hardly moves it with a limit, three in a row are a change', () => {
  const filter = trained(50, 20, { ...options, residualLimit: 0.5 })
  filter.observe(5_000, 0)
  expect(Math.exp(filter.estimate(0).mu)).toBeLessThan(75)
  filter.observe(5_000, 0)
  filter.observe(5_000, 0)
  expect(Math.exp(filter.estimate(0).mu)).toBeGreaterThan(1_000)
})

test('noise is learned only where a floor is given, and never below it', () => {
  const learning = trained(50, 200, { ...options, noiseFloorShare: 0.25 })
  expect(learning.snapshot()?.noise).toBeCloseTo(0.025, 6)
  expect(trained(50, 200).snapshot()?.noise).toBe(0.1)
})

test('widening never makes it more certain, and keeps the estimate', () => {
  const filter = trained(50)
  const { mu } = filter.estimate(0)
  filter.widen(0.5)
  expect(filter.uncertainty).toBe(0.5)
  filter.widen(0.1)
  expect(filter.uncertainty).toBe(0.5)
  filter.widen(99)
  expect(filter.uncertainty).toBe(options.maxVariance)
  expect(filter.estimate(0).mu).toBe(mu)
})

test('an assumption is replaced only before the first sample', () => {
  const filter = createLogFilter(options)
  filter.setPrior(Number.NaN, 0.1)
  filter.setPrior(7, Number.NaN)
  expect(Math.exp(filter.estimate(0).mu)).toBeCloseTo(100, 9)
  filter.setPrior(7, 0.1)
  expect(Math.exp(filter.estimate(0).mu)).toBeCloseTo(7, 9)
  filter.observe(7, 0)
  filter.setPrior(5_000, 0.1)
  expect(Math.exp(filter.estimate(0).mu)).toBeCloseTo(7, 6)
})

test('a snapshot comes back as it was, with the doubt asked for and no time in the future', () => {
  const filter = trained(50)
  const stored: unknown = JSON.parse(JSON.stringify(filter.snapshot()))
  const again = createLogFilter(options)
  expect(again.restore(stored, -5_000, 0.2)).toBe(true)
  expect(again.estimate(-5_000).mu).toBe(filter.estimate(0).mu)
  expect(again.uncertainty).toBeCloseTo(filter.uncertainty + 0.2, 9)
  expect(again.samples).toBe(20)
  expect(again.observedAtMs).toBe(-5_000)
})

test('a snapshot that makes no sense changes nothing', () => {
  const good = trained(50).snapshot()
  const spoilt = ['mu', 'variance', 'noise', 'samples', 'observedAtMs'].map((key) => ({ ...good, [key]: Number.NaN }))
  for (const nonsense of [...spoilt, { ...good, variance: -1 }, { ...good, samples: 0 }, undefined, null, 'x', []]) {
    const filter = createLogFilter(options)
    expect(filter.restore(nonsense, 0, 0)).toBe(false)
    expect(filter.estimate(0)).toEqual(createLogFilter(options).estimate(0))
  }
})

test('whatever it is given, the estimate stays in its range and its variance in its bounds', () => {
  const step = fc.record({ value: fc.double(), atMs: fc.double(), weight: fc.double(), widen: fc.double() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, learns) => {
      const filter = createLogFilter(learns ? { ...options, noiseFloorShare: 0.25, leastGain: 0.3 } : options)
      for (const { value, atMs, weight, widen } of steps) {
        filter.observe(value, atMs, weight)
        filter.observe(Math.abs(value), atMs)
        filter.widen(widen)
        const { mu, variance } = filter.estimate(atMs)
        expect(mu).toBeGreaterThanOrEqual(Math.log(1))
        expect(mu).toBeLessThanOrEqual(Math.log(10_000))
        expect(variance).toBeGreaterThanOrEqual(0)
        expect(variance).toBeLessThanOrEqual(2.2)
      }
    }),
  )
})

test('equal samples bring it to their value', () => {
  fc.assert(
    fc.property(fc.double({ min: 2, max: 5_000, noNaN: true }), (value) => {
      expect(Math.exp(trained(value, 60).estimate(0).mu) / value).toBeCloseTo(1, 1)
    }),
  )
})

test('what is usual follows many samples, and outlasts a few that are different', () => {
  expect(createLogFilter(options).usual).toBeCloseTo(100, 9)
  const filter = trained(60)
  expect(filter.usual).toBeCloseTo(60, 6)
  for (let sample = 0; sample < 5; sample += 1) filter.observe(300, 0)
  expect(Math.exp(filter.estimate(0).mu)).toBeGreaterThan(150)
  expect(filter.usual).toBeLessThan(85)
  const restored = createLogFilter(options)
  restored.restore(JSON.parse(JSON.stringify(filter.snapshot())), 0, 0)
  expect(restored.usual).toBeCloseTo(filter.usual, 9)
  const { usual: _, ...older } = { ...filter.snapshot() }
  restored.restore(older, 0, 0)
  expect(restored.usual).toBeCloseTo(Math.exp(filter.estimate(0).mu), 9)
  for (let sample = 0; sample < 400; sample += 1) filter.observe(300, 0)
  expect(filter.usual).toBeCloseTo(300, 0)
})
