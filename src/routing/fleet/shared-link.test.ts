import { expect, test } from 'vitest'
import { sharedLinkWaitMs } from './shared-link.ts'

test('a link of one device has no wait, and one that carries half of what it could the wait of M/D/1', () => {
  expect(sharedLinkWaitMs({ othersPerSecond: 0, transferMs: 100, sentShare: () => 1 })).toBe(0)
  // ρ = 0.5: the mean wait is ρ / (1 − ρ) halves of a transfer.
  expect(sharedLinkWaitMs({ othersPerSecond: 5, transferMs: 100, sentShare: () => 1 })).toBeCloseTo(50, 3)
})

test('devices that see the wait keep a link from growing without end', () => {
  const sentShare = (waitMs: number) => 1 / (1 + waitMs / 200)
  const waitMs = sharedLinkWaitMs({ othersPerSecond: 40, transferMs: 100, sentShare })
  expect(waitMs).toBeGreaterThan(200)
  expect(Number.isFinite(waitMs)).toBe(true)
  // What is sent makes this very wait.
  const load = 4 * sentShare(waitMs)
  expect((load / (1 - load)) * 50).toBeCloseTo(waitMs, 1)
})
