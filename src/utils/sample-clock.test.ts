import { expect, test } from 'vitest'
import { createSampleClock } from './sample-clock.ts'

test('the age is that of the newest sample, up to a maximum', () => {
  const clock = createSampleClock(120)
  expect([clock.samples, clock.observedAtMs, clock.ageSeconds(5_000)]).toEqual([0, undefined, 0])
  clock.observe(1_000)
  clock.observe(3_000)
  expect([clock.samples, clock.ageSeconds(5_000), clock.ageSeconds(1e9)]).toEqual([2, 2, 120])
})

test('a clock that jumped back or is NaN adds no age, and dates no sample', () => {
  const clock = createSampleClock(120)
  clock.observe(3_000)
  clock.observe(Number.NaN)
  expect([clock.samples, clock.observedAtMs]).toEqual([2, 3_000])
  expect([clock.ageSeconds(1_000), clock.ageSeconds(Number.NaN)]).toEqual([0, 0])
})

test('a snapshot dated in the future counts as new', () => {
  const clock = createSampleClock(120)
  clock.restore({ samples: 7, observedAtMs: 9_000 }, 4_000)
  expect([clock.samples, clock.observedAtMs, clock.ageSeconds(5_000)]).toEqual([7, 4_000, 1])
})
