import { expect, test } from 'vitest'
import { createSeededRandom, drawNormal } from '../../../utils/seeded-random.ts'
import { createRateLine } from './rate-line.ts'

const options = {
  level: { median: 3, variance: 1.5 },
  slope: { median: 1 / 1_500, variance: 0.8 },
  noise: 0.03,
  leastNoise: 0.003,
  driftPerSecond: 0.0006,
}

test('level and slope of a rate are learned from samples at different sizes', () => {
  const line = createRateLine(options)
  const random = createSeededRandom(1)
  const truth = (x: number) => 8 * (1 + x / 400)
  for (let i = 0; i < 120; i += 1) {
    const x = [50, 300, 1_000, 3_000][i % 4] ?? 0
    line.observe(truth(x) * Math.exp(0.05 * drawNormal(random)), x, i * 1_000)
  }
  for (const x of [0, 100, 2_000, 4_000]) {
    const { mu, variance } = line.estimate(x, 120_000)
    expect(Math.exp(mu) / truth(x)).toBeGreaterThan(0.88)
    expect(Math.exp(mu) / truth(x)).toBeLessThan(1.14)
    expect(variance).toBeLessThan(0.1)
  }
})

test('one sample replaces a weak prior; one hiccup does not replace what is known', () => {
  const line = createRateLine(options)
  line.observe(30, 0, 0)
  expect(Math.exp(line.estimate(0, 0).mu)).toBeGreaterThan(20)
  for (let i = 1; i < 20; i += 1) line.observe(30, 0, i * 1_000)
  line.observe(300, 0, 20_000)
  expect(Math.exp(line.estimate(0, 20_000).mu)).toBeLessThan(50)
})

test('three in a row on one side are a new level', () => {
  const line = createRateLine(options)
  for (let i = 0; i < 30; i += 1) line.observe(10, 0, i * 1_000)
  for (let i = 30; i < 34; i += 1) line.observe(40, 0, i * 1_000)
  expect(Math.exp(line.estimate(0, 34_000).mu)).toBeGreaterThan(25)
})

test('what it usually is, beside what it is now', () => {
  const line = createRateLine(options)
  expect(line.ageMs(5)).toBe(Number.POSITIVE_INFINITY)
  for (let i = 0; i < 60; i += 1) line.observe(10, 0, i * 1_000)
  for (let i = 60; i < 66; i += 1) line.observe(20, 0, i * 1_000)
  expect(Math.exp(line.estimate(0, 66_000).mu)).toBeGreaterThan(17)
  expect(line.usual(0)).toBeLessThan(12)
  expect(line.ageMs(70_000)).toBe(5_000)
})

test('what is old is less certain', () => {
  const line = createRateLine({ ...options, driftPerSecond: 0.01 })
  line.observe(10, 0, 0)
  expect(line.estimate(0, 60_000).variance).toBeGreaterThan(line.estimate(0, 0).variance + 0.5)
})

test('a snapshot goes on, less certain; nonsense is refused', () => {
  const line = createRateLine(options)
  for (let i = 0; i < 10; i += 1) line.observe(10, 100 * i, i * 1_000)
  const next = createRateLine(options)
  expect(next.restore(JSON.parse(JSON.stringify(line.snapshot())), 10_000, 0.1)).toBe(true)
  expect(next.estimate(500, 10_000).mu).toBeCloseTo(line.estimate(500, 10_000).mu)
  expect(next.estimate(500, 10_000).variance).toBeGreaterThan(line.estimate(500, 10_000).variance)
  for (const bad of [undefined, {}, { level: Number.NaN }, 'text']) expect(next.restore(bad, 0, 0)).toBe(false)
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, 0, -1])('a rate of %s is ignored', (rate) => {
  const line = createRateLine(options)
  expect(line.observe(rate, 10, 0)).toBe(false)
  expect(line.samples).toBe(0)
})
