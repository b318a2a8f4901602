import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logNormal, meanOf, p90Of } from '../../utils/log-normal.ts'
import { cloudServiceTime, edgeServiceTime, toPrediction } from './cost-models.ts'

const link = { roundTrip: logNormal(40, 0), uplink: logNormal(4e6, 0), downlink: logNormal(8e6, 0) }

test('ECS is wait and service, and download and load while the model is not ready', () => {
  const service = logNormal(20, 0)
  expect(meanOf(edgeServiceTime({ service }))).toBeCloseTo(20, 6)
  expect(meanOf(edgeServiceTime({ service, waitMs: 35 }))).toBeCloseTo(55, 6)
  const preparation = { remainingBytes: 1e6, load: logNormal(300, 0), downlink: link.downlink }
  expect(meanOf(edgeServiceTime({ service, waitMs: 35, preparation }))).toBeCloseTo(55 + 300 + 1000, 6)
  const stored = { ...preparation, remainingBytes: 0 }
  expect(meanOf(edgeServiceTime({ service, preparation: stored }))).toBeCloseTo(320, 6)
})

test('CCS is round trip, bytes up, wait, service and bytes back', () => {
  const time = cloudServiceTime({
    requestBytes: 100_000,
    responseBytes: 10_000,
    link,
    waitMs: 7,
    service: logNormal(15, 0),
  })
  expect(meanOf(time)).toBeCloseTo(40 + 200 + 7 + 15 + 10, 6)
})

test('uncertainty of a part shows in the sum', () => {
  const sure = cloudServiceTime({ requestBytes: 1e5, responseBytes: 0, link, service: logNormal(15, 0) })
  const unsure = cloudServiceTime({
    requestBytes: 1e5,
    responseBytes: 0,
    link: { ...link, uplink: logNormal(4e6, 1) },
    service: logNormal(15, 0),
  })
  expect(p90Of(unsure)).toBeGreaterThan(p90Of(sure) * 1.5)
})

test('whatever goes in, a finite time comes out', () => {
  const number = fc.oneof(fc.double(), fc.double({ min: 0, max: 1e9, noNaN: true }))
  const time = fc.record({ mu: number, variance: number })
  fc.assert(
    fc.property(number, number, number, time, time, time, (a, b, waitMs, x, y, z) => {
      const wild = { roundTrip: x, uplink: y, downlink: z }
      const preparation = { remainingBytes: a, load: y, downlink: z }
      for (const result of [
        cloudServiceTime({ requestBytes: a, responseBytes: b, link: wild, waitMs, service: z }),
        edgeServiceTime({ waitMs, service: x, preparation }),
      ]) {
        expect(Number.isFinite(meanOf(result)) && Number.isFinite(p90Of(result))).toBe(true)
        expect(toPrediction(result)?.meanMs).toBeGreaterThan(0)
      }
    }),
  )
})
