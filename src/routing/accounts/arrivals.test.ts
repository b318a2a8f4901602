import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createArrivals } from './arrivals.ts'

/** Requests that come this far apart, for long enough to be known. */
function every(gapMs: number, arm: 'edge' | 'cloud' = 'edge', count = 200) {
  const arrivals = createArrivals()
  for (let at = 0; at < count; at += 1) arrivals.observe(at * gapMs, arm)
  return arrivals
}

it('costs nothing worth the name where requests are rare', () => {
  expect(createArrivals().delayOf(300, 0)).toBeLessThan(2)
  expect(every(30_000).delayOf(300, 0)).toBeLessThan(2)
})

it('follows the queue of random arrivals where they are frequent', () => {
  // λ·S = 0.5: half of a run each, doubled by those that wait behind them.
  expect(every(600).delayOf(300, 0)).toBeCloseTo((0.5 * 150) / 0.5, 6)
  expect(every(600).delayOf(300, 300)).toBeCloseTo((0.5 * 450) / 0.5, 6)
})

it('counts only the requests that start here', () => {
  expect(every(600, 'cloud').delayOf(300, 0)).toBeLessThan(1)
})

it('is bounded by four runs where more come than can be served', () => {
  expect(every(100).delayOf(300, 5_000)).toBe(1_200)
})

it('never is anything but a number of milliseconds, whatever clock and measurements say', () => {
  const any = fc.double({ noDefaultInfinity: false, noNaN: false })
  fc.assert(
    fc.property(fc.array(any, { maxLength: 30 }), any, any, (times, busyMs, waitMs) => {
      const arrivals = createArrivals()
      for (const at of times) arrivals.observe(at, 'edge')
      expect(arrivals.delayOf(busyMs, waitMs)).toBeGreaterThanOrEqual(0)
      expect(arrivals.delayOf(100, 100)).toBeLessThanOrEqual(400)
    }),
  )
})

it('says whether all could run here', () => {
  expect(createArrivals().spareOf(300)).toBeGreaterThan(0.99)
  expect(every(600).spareOf(300)).toBe(1)
  expect(every(400).spareOf(300)).toBeCloseTo(0.5, 6)
  expect(every(400, 'cloud').spareOf(300)).toBeCloseTo(0.5, 6)
  expect(every(100).spareOf(300)).toBe(0)
  for (const nonsense of [Number.NaN, -1, 0]) expect(every(100).spareOf(nonsense)).toBe(1)
})
