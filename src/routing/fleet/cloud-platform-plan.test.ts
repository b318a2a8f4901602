import { expect, test } from 'vitest'
import { logNormal } from '../../utils/log-normal.ts'
import { cloudPlatformPlan } from './cloud-platform-plan.ts'
import { createWaitingLine } from './waiting-line.ts'

const platform = {
  requestsPerSecond: 300,
  service: logNormal(20, 0.05),
  p95Ms: 60,
  bytes: 100_000,
  prices: { workerHour: 0.36, gigabyte: 0.1 },
}

test('M is the smallest that meets the p95: one worker less does not', () => {
  const plan = cloudPlatformPlan(platform)
  expect(plan.p95Ms).toBeLessThanOrEqual(60.01)
  const oneLess = createWaitingLine({ ...platform, workers: plan.workers - 1 })
  expect(oneLess.shareWithin(60)).toBeLessThan(0.95)
  expect(plan.utilisation).toBeCloseTo((0.3 * 20 * Math.exp(0.025)) / plan.workers, 9)
})

test('money is workers by the hour and bytes', () => {
  const plan = cloudPlatformPlan(platform)
  // 300 a second are 1,080,000 an hour; 1,000 requests move 0.1 GB.
  expect(plan.moneyPer1000).toBeCloseTo((plan.workers * 0.36) / 1080 + 0.01, 9)
})

test('a tighter p95 takes more workers, a platform without requests one', () => {
  expect(cloudPlatformPlan({ ...platform, p95Ms: 35 }).workers).toBeGreaterThan(cloudPlatformPlan(platform).workers)
  expect(cloudPlatformPlan({ ...platform, requestsPerSecond: 0 })).toMatchObject({ workers: 1, chanceToWait: 0 })
})

test('a p95 that one run alone misses, and numbers that are none, are refused', () => {
  expect(() => cloudPlatformPlan({ ...platform, p95Ms: 20 })).toThrow(/No number of workers/)
  expect(() => cloudPlatformPlan({ ...platform, requestsPerSecond: Number.NaN })).toThrow(/zero or more/)
  expect(() => cloudPlatformPlan({ ...platform, bytes: -1 })).toThrow(/zero or more/)
})
