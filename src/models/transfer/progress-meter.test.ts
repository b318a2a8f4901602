import { expect, test } from 'vitest'
import type { Progress } from '../../contracts/model-state.ts'
import { createProgressMeter } from './progress-meter.ts'

function setUp(totalBytes: number) {
  let at = 0
  const reports: Progress[] = []
  const meter = createProgressMeter({ totalBytes, onProgress: (report) => reports.push(report), now: () => at })
  const pass = (ms: number) => {
    at += ms
  }
  return { meter, reports, pass }
}

test('speed and time left follow the last seconds, and at most ten reports a second cross', () => {
  const { meter, reports, pass } = setUp(100_000)
  for (let bytes = 0; bytes <= 50_000; bytes += 100) {
    meter.report(bytes)
    pass(10)
  }
  expect(reports.length).toBeLessThanOrEqual(52)
  expect(reports.at(-1)?.bytesPerSecond).toBeCloseTo(10_000, -2)
  expect(reports.at(-1)?.remainingMs).toBeCloseTo(5_000, -3)
  // The link becomes ten times slower: five seconds later only that counts.
  for (let step = 1; step <= 60; step += 1) {
    pass(100)
    meter.report(50_000 + step * 100)
  }
  expect(reports.at(-1)?.bytesPerSecond).toBeCloseTo(1_000, -2)
})

test('bytes that lay in the store are no speed', () => {
  const { meter, reports, pass } = setUp(1_000_000)
  meter.report(0)
  pass(1_000)
  meter.report(900_000, false)
  expect(reports.at(-1)).toEqual({ loadedBytes: 900_000, totalBytes: 1_000_000 })
  pass(1_000)
  meter.report(910_000)
  expect(reports.at(-1)).toMatchObject({ bytesPerSecond: 10_000, remainingMs: 9_000 })
})

test('never over the total, and the end is always told', () => {
  const { meter, reports } = setUp(1_000)
  meter.report(500)
  meter.report(999)
  meter.report(1_500)
  expect(reports.map(({ loadedBytes }) => loadedBytes)).toEqual([500, 1_000])
})

test('a file that starts over goes back, at once and honestly', () => {
  const { meter, reports } = setUp(1_000)
  meter.report(800)
  meter.report(0)
  expect(reports.at(-1)?.loadedBytes).toBe(0)
})
