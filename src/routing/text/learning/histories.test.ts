import { expect, test } from 'vitest'
import { createGapHistory } from './gap-history.ts'
import { createLengthHistory } from './length-history.ts'
import { createSlowTail } from './slow-tail.ts'

test('quantiles of gaps, within a class of a fifth', () => {
  const gaps = createGapHistory()
  for (let i = 1; i <= 1_000; i += 1) gaps.observe(i % 100 < 95 ? 40 : 400)
  expect(gaps.quantile(0.5)).toBeGreaterThanOrEqual(40)
  expect(gaps.quantile(0.5)).toBeLessThan(48.1)
  expect(gaps.quantile(0.97)).toBeGreaterThanOrEqual(400)
  expect(gaps.quantile(0.97)).toBeLessThan(481)
})

test('old gaps fade, and a stored history goes on', () => {
  const gaps = createGapHistory()
  for (let i = 0; i < 3_000; i += 1) gaps.observe(500)
  for (let i = 0; i < 60_000; i += 1) gaps.observe(20)
  expect(gaps.quantile(0.97)).toBeLessThan(30)
  const next = createGapHistory()
  next.restore(JSON.parse(JSON.stringify(gaps.snapshot())))
  expect(next.quantile(0.97)).toBe(gaps.quantile(0.97))
  next.restore([1, 2])
  next.restore('nonsense')
  expect(next.quantile(0.97)).toBe(gaps.quantile(0.97))
})

test('lengths: quantiles of the history, capped by the maximum', () => {
  const lengths = createLengthHistory()
  for (let i = 0; i < 20; i += 1) lengths.observe(100, false)
  for (let i = 0; i < 4; i += 1) lengths.observe(400, false)
  expect(lengths.estimate(1_000)).toMatchObject({ mean: expect.closeTo(150), median: 100, p90: 400 })
  expect(lengths.estimate(50)).toEqual({ mean: 50, median: 50, p90: 50 })
})

test('answers that were cut are taken to have been longer', () => {
  const lengths = createLengthHistory()
  for (let i = 0; i < 20; i += 1) lengths.observe(100, i % 2 === 0)
  lengths.observe(300, false)
  const { mean } = lengths.estimate(1_000)
  // Those that were cut count as 300, and not as 100.
  expect(mean).toBeGreaterThan(190)
})

test('lengths before anything is known, and after nonsense', () => {
  const lengths = createLengthHistory()
  const before = lengths.estimate(512)
  expect(before.mean).toBeGreaterThan(50)
  for (const tokens of [Number.NaN, 0, -4, 1e12]) lengths.observe(tokens, false)
  lengths.restore([{ tokens: 'x', isCut: 1 }])
  expect(lengths.estimate(512)).toEqual(before)
  expect(lengths.estimate(Number.NaN).mean).toBe(1)
})

test('the chance of a slow first token, and how slow', () => {
  const tail = createSlowTail()
  const before = tail.estimate()
  for (let i = 0; i < 200; i += 1) tail.observe(i % 5 === 0 ? 12 : 1)
  const { chance, ratio } = tail.estimate()
  expect(chance).toBeGreaterThan(2 * before.chance)
  expect(chance).toBeLessThan(0.25)
  expect(Math.exp(ratio.mu)).toBeGreaterThan(8)
  // Ended before it was slow: that says nothing.
  tail.observe(1.2, true)
  expect(tail.estimate().chance).toBe(chance)
})
