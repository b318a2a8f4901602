import { expect, test } from 'vitest'
import { normalQuantile, normalShareBelow } from './normal-share.ts'

test.each([
  [0, 0.5],
  [1.2815515655, 0.9],
  [-1.2815515655, 0.1],
  [1.644853627, 0.95],
  [2.326347874, 0.99],
  [-9, 0],
  [9, 1],
])('below %d lies %d of a normal', (z, share) => {
  expect(normalShareBelow(z)).toBeCloseTo(share, 6)
})

test('the quantile is the share turned around', () => {
  for (const p of [0.001, 0.2, 0.5, 0.9, 0.999]) expect(normalShareBelow(normalQuantile(p))).toBeCloseTo(p, 6)
})
