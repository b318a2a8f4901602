import { expect, test } from 'vitest'
import { logNormal } from '../../src/utils/log-normal.ts'
import { defaultDeviceClasses, defaultLinkClasses } from './default-classes.ts'
import { drawPlan } from './draw-plan.ts'
import { type FleetRequest, planFleet } from './plan-fleet.ts'
import { serveInLine } from './serve-in-line.ts'
import { simulateFleet } from './simulate-fleet.ts'

const request = (devices: number): FleetRequest => ({
  platform: {
    devices,
    requestsPerDeviceHour: 60,
    deadlineMs: 300,
    deviceClasses: defaultDeviceClasses(130e6),
    linkClasses: defaultLinkClasses,
    runVariance: 0.03,
    requestBytes: 100_000,
    responseBytes: 2_000,
    modelBytes: 8e6,
    keptHours: 24,
    loadMs: 1000,
  },
  cloud: { service: logNormal(15, 0.04), p95Ms: 60, prices: { workerHour: 0.05, gigabyte: 0.09 } },
  peak: 1,
})

test.each([
  [20_000, 400_000],
  [1_000_000, 500_000],
])('the formulas agree with %i devices played request by request', (devices, requests) => {
  const plan = planFleet(request(devices))
  const run = simulateFleet(plan.atPeak, { requests, workers: plan.cloud.workers })
  const line = run.line(plan.cloud.workers)
  expect(Math.abs(run.edgeShare - plan.edge.edgeShare)).toBeLessThan(0.01)
  expect(Math.abs(run.inTimeShare - plan.edge.inTimeShare)).toBeLessThan(0.01)
  expect(run.bridgedShare / plan.edge.bridgedShare).toBeGreaterThan(0.7)
  expect(run.bridgedShare / plan.edge.bridgedShare).toBeLessThan(1.4)
  expect(Math.abs(line.utilisation - plan.cloud.utilisation)).toBeLessThan(0.03)
  expect(line.p95Ms).toBeLessThan(60 * 1.1)
  // With one worker less than M the line must get worse, or M was not the smallest.
  expect(run.line(plan.cloud.workers - 1).p95Ms).toBeGreaterThan(line.p95Ms)
})

test('devices that share a link stay at the edge the more, as the simulated ones do', () => {
  const shared = (devicesPerLink: number) => {
    const asked = request(20_000)
    const plan = planFleet({ ...asked, platform: { ...asked.platform, requestsPerDeviceHour: 600, devicesPerLink } })
    const run = simulateFleet(plan.atPeak, { requests: 400_000, workers: plan.cloud.workers })
    return { planned: plan.edge.edgeShare, simulated: run.edgeShare }
  }
  const [alone, together] = [shared(1), shared(100)]
  expect(together.planned).toBeGreaterThan(alone.planned + 0.03)
  expect(together.simulated).toBeGreaterThan(alone.simulated + 0.03)
  expect(Math.abs(together.planned - together.simulated)).toBeLessThan(0.03)
})

test('at the edge costs less than all in the cloud, and the picture shows it', () => {
  const plan = planFleet(request(10_000))
  expect(plan.moneyPer1000).toBeLessThan(0.6 * plan.allCloud.moneyPer1000)
  const svg = drawPlan(request(10_000), plan, undefined)
  expect(svg).toContain('old phone')
  expect(svg).not.toContain('NaN')
  expect(svg).not.toContain('undefined')
})

test('workers on one line take the first that arrives', () => {
  const { tookMs, utilisation } = serveInLine({
    arriveMs: Float64Array.of(10, 0, 1),
    serviceMs: Float64Array.of(5, 20, 4),
    count: 3,
    workers: 2,
    untilMs: 20,
  })
  // The second to arrive is served at once by the other worker, the third after it.
  expect([...tookMs]).toEqual([5, 20, 4])
  expect(utilisation).toBeCloseTo(29 / 40, 9)
  const one = serveInLine({
    arriveMs: Float64Array.of(0, 1),
    serviceMs: Float64Array.of(10, 10),
    count: 2,
    workers: 1,
    untilMs: 20,
  })
  expect([...one.tookMs]).toEqual([10, 19])
})
