import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logNormal } from '../../utils/log-normal.ts'
import { createWaitingLine, erlangC } from './waiting-line.ts'

test.each([
  // One worker waits as often as it is busy; the others are worked out by hand from a^M / M!.
  [0.5, 1, 0.5],
  [2, 3, 4 / 9],
  [1, 2, 1 / 3],
  [5, 5, 1],
])('%d erlangs on %d workers wait with a chance of %d', (offered, workers, chance) => {
  expect(erlangC(offered, workers)).toBeCloseTo(chance, 12)
})

test('a busy hour of thousands of workers does not overflow', () => {
  expect(erlangC(9_900, 10_000)).toBeGreaterThan(0.1)
  expect(erlangC(9_900, 10_000)).toBeLessThan(0.5)
})

test('with one worker the mean wait is that of Pollaczek and Khinchine', () => {
  // λ = 50 a second, S = 10 ms without spread: ρ = 0.5, wait = ρ S / (2 (1 − ρ)) = 5 ms.
  const line = createWaitingLine({ requestsPerSecond: 50, workers: 1, service: logNormal(10, 0) })
  expect(line.utilisation).toBeCloseTo(0.5, 12)
  expect(line.meanWaitMs).toBeCloseTo(5, 9)
})

test('more work than the workers can do never ends', () => {
  const line = createWaitingLine({ requestsPerSecond: 200, workers: 1, service: logNormal(10, 0) })
  expect([line.meanWaitMs, line.quantileMs(0.5)]).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
  expect(line.shareWithin(1e9)).toBe(0)
})

test('shares are shares, grow with time, and the quantile turns them around', () => {
  const lines = fc.record({
    requestsPerSecond: fc.double({ min: 0, max: 500, noNaN: true }),
    workers: fc.integer({ min: 1, max: 40 }),
    service: fc.record({
      mu: fc.double({ min: 0, max: 5, noNaN: true }),
      variance: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  })
  fc.assert(
    fc.property(lines, fc.double({ min: 0, max: 5000, noNaN: true }), (input, ms) => {
      const line = createWaitingLine(input)
      const share = line.shareWithin(ms)
      expect(share >= 0 && share <= 1 && line.shareWithin(ms * 2) >= share - 1e-9).toBe(true)
      if (line.utilisation < 0.999) expect(line.shareWithin(line.quantileMs(0.9))).toBeGreaterThan(0.8999)
    }),
    { numRuns: 40 },
  )
})
