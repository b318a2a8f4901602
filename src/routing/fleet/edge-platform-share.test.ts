import { expect, test } from 'vitest'
import { logNormal } from '../../utils/log-normal.ts'
import { type EdgePlatform, edgePlatformShare } from './edge-platform-share.ts'

const link = (name: string, bitsPerSecond: number, share = 1) => ({
  name,
  share,
  roundTrip: logNormal(50, 0.1),
  uplink: logNormal(bitsPerSecond, 0.1),
  downlink: logNormal(3 * bitsPerSecond, 0.1),
})
const device = (name: string, ms: number, share = 1) => ({ name, share, serviceMs: logNormal(ms, 0.05) })
const platform: EdgePlatform = {
  devices: 1000,
  requestsPerDeviceHour: 60,
  deadlineMs: 200,
  deviceClasses: [device('fast', 20), device('slow', 900)],
  linkClasses: [link('slow', 0.3e6), link('fast', 50e6)],
  runVariance: 0.02,
  requestBytes: 100_000,
  responseBytes: 1_000,
  modelBytes: 5e6,
  keptHours: 720,
  loadMs: 1000,
  cloud: { service: logNormal(15, 0.02), waitMs: 0 },
}
const cell = (result: ReturnType<typeof edgePlatformShare>, deviceName: string, linkName: string) =>
  result.cells.find((one) => one.device === deviceName && one.link === linkName)

test('each kind of device on each kind of link goes where it is faster', () => {
  const result = edgePlatformShare(platform)
  expect(cell(result, 'fast', 'slow')?.edgeShare).toBeGreaterThan(0.99)
  expect(cell(result, 'slow', 'fast')?.edgeShare).toBeLessThan(0.01)
  expect(cell(result, 'slow', 'fast')?.inTimeShare).toBeGreaterThan(0.99)
  expect(cell(result, 'slow', 'slow')?.inTimeShare).toBeLessThan(0.01)
  expect(result.cells.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12)
})

test('routed, at least as many meet T as on the better side alone', () => {
  const { inTimeShare, edgeInTimeShare, cloudInTimeShare } = edgePlatformShare(platform)
  expect(inTimeShare).toBeGreaterThan(Math.max(edgeInTimeShare, cloudInTimeShare) + 0.2)
})

test('what the edge answers the cloud need not: requests, workers, bytes less the downloads', () => {
  const result = edgePlatformShare(platform)
  expect(result.requestsPerSecond).toBeCloseTo(1000 / 60, 9)
  expect(result.cloudRequestsPerSecond).toBeCloseTo((1 - result.edgeShare) * (1000 / 60), 9)
  expect(result.savedBytesPer1000).toBeCloseTo(1000 * (result.edgeShare * 101_000 - 5e6 / 43_200), -3)
  // A model fetched for every request costs more than it saves.
  expect(edgePlatformShare({ ...platform, keptHours: 0.001 }).savedBytesPer1000).toBeLessThan(0)
})

test('a busy endpoint sends more to the edge, a busy device less', () => {
  const share = edgePlatformShare(platform).edgeShare
  const waiting = { ...platform, cloud: { ...platform.cloud, waitMs: 5000 } }
  expect(edgePlatformShare(waiting).edgeShare).toBeGreaterThan(share + 0.2)
  expect(edgePlatformShare({ ...platform, requestsPerDeviceHour: 150_000 }).edgeShare).toBeLessThan(share - 0.1)
})

test.each<[string, Partial<EdgePlatform>]>([
  ['no devices', { devices: 0 }],
  ['NaN requests', { requestsPerDeviceHour: Number.NaN }],
  ['classes without a share', { deviceClasses: [device('fast', 20, 0)] }],
  ['a link without a rate', { linkClasses: [link('none', 0)] }],
  ['negative bytes', { requestBytes: -1 }],
  ['no time to keep it', { keptHours: 0 }],
])('%s is refused', (_, change) => {
  expect(() => edgePlatformShare({ ...platform, ...change })).toThrow(/planned from positive numbers/)
})
