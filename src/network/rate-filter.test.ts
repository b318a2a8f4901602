import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRateFilter } from './rate-filter.ts'

const filter = () => createRateFilter(5e6, 1)
const chanceOf = (made: ReturnType<typeof filter>, nowMs: number) => made.estimate(nowMs).otherwise?.chance ?? 0

test('a steady rate is found, wherever it starts', () => {
  const made = filter()
  for (let sample = 0; sample < 20; sample += 1) made.observe(40e6, sample * 1000)
  expect(Math.exp(made.estimate(20_000).mu) / 40e6).toBeCloseTo(1, 1)
})

test('one sample on another level moves the estimate at once, as a link changes at once', () => {
  const made = filter()
  for (let sample = 0; sample < 20; sample += 1) made.observe(40e6, sample * 1000)
  made.observe(2e6, 20_000)
  expect(Math.exp(made.estimate(20_000).mu)).toBeLessThan(4e6)
})

test('the chance that the link has changed grows with age, the faster the more often it did', () => {
  const [steady, changing] = [filter(), filter()]
  for (let sample = 0; sample < 30; sample += 1) {
    steady.observe(20e6, sample * 3000)
    changing.observe(sample % 2 === 0 ? 20e6 : 1e6, sample * 3000)
  }
  const last = 29 * 3000
  expect(chanceOf(steady, last + 60_000)).toBeGreaterThan(chanceOf(steady, last))
  expect(chanceOf(changing, last + 10_000)).toBeGreaterThan(2 * chanceOf(steady, last + 10_000))
})

test('what is usual on the link is what it is drawn from when it changes', () => {
  const made = filter()
  for (let sample = 0; sample < 60; sample += 1) made.observe(sample % 2 === 0 ? 20e6 : 5e6, sample * 3000)
  const usual = Math.exp(made.estimate(200_000).otherwise?.value.mu ?? Number.NaN)
  expect(usual).toBeGreaterThan(5e6)
  expect(usual).toBeLessThan(20e6)
})

test('a snapshot comes back less certain, and nonsense does not come back', () => {
  const made = filter()
  for (let sample = 0; sample < 5; sample += 1) made.observe(20e6, sample * 1000)
  const back = filter()
  expect(back.restore(JSON.parse(JSON.stringify(made.snapshot())), 10_000, 0.1)).toBe(true)
  expect(back.estimate(10_000).mu).toBeCloseTo(made.estimate(10_000).mu, 6)
  expect(back.uncertainty).toBeGreaterThan(made.uncertainty)
  for (const nonsense of [undefined, 5, {}, { mu: Number.NaN, variance: 1 }]) {
    expect(filter().restore(nonsense, 0, 0)).toBe(false)
  }
})

test('whatever it is given, an estimate is made of numbers and its chance is one', () => {
  const anything = fc.oneof(fc.double(), fc.double({ min: 1, max: 1e12, noNaN: true }))
  const sample = fc.tuple(anything, anything, anything)
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 40 }), anything, (samples, atMs) => {
      const made = filter()
      for (const [rate, nowMs, weight] of samples) made.observe(rate, nowMs, weight)
      made.widen(0.25)
      const { mu, variance, otherwise } = made.estimate(atMs)
      for (const value of [mu, variance, otherwise?.value.mu ?? 0, otherwise?.value.variance ?? 0]) {
        expect(Number.isFinite(value)).toBe(true)
      }
      expect(otherwise?.chance ?? 0).toBeGreaterThanOrEqual(0)
      expect(otherwise?.chance ?? 0).toBeLessThanOrEqual(1)
    }),
  )
})
