import { expect, it } from 'vitest'
import { logTicks } from './log-ticks.ts'

it.each([
  [12, 750, [20, 50, 100, 200, 500]],
  [10, 100, [10, 20, 50, 100]],
  [0.5, 300, [1, 3, 10, 30, 100, 300]],
  [1, 100_000, [1, 10, 100, 1_000, 10_000, 100_000]],
])('between %d and %d are the ticks %j', (min, max, ticks) => {
  expect(logTicks(min, max)).toEqual(ticks)
})
