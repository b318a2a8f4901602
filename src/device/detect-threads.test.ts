import { expect, test } from 'vitest'
import { detectThreads } from './detect-threads.ts'

test.each([
  [true, 16, 4],
  [true, 2, 2],
  [true, 0, 1],
  [false, 16, 1],
])('isolated %s with %i processors: %i threads', (crossOriginIsolated, hardwareConcurrency, threads) => {
  expect(detectThreads({ crossOriginIsolated, hardwareConcurrency })).toBe(threads)
})
