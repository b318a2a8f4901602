import { describe, expect, it } from 'vitest'
import { createServiceTimes } from './service-times.ts'

describe('createServiceTimes', () => {
  it('knows nothing before the first', () => {
    expect(createServiceTimes()).toMatchObject({ count: 0, meanMs: undefined, p95Ms: undefined })
  })
  it('tells mean and tail of the last ones', () => {
    const times = createServiceTimes(4)
    for (const ms of [100, 100, 1, 2, 3, 4]) times.add(ms)
    expect(times).toMatchObject({ count: 6, meanMs: 2.5, p95Ms: 4 })
  })

  it('gives the 95th percentile by nearest rank: one time in twenty may be longer', () => {
    const times = createServiceTimes()
    for (let ms = 1; ms <= 20; ms += 1) times.add(ms)
    expect(times.p95Ms).toBe(19)
    times.add(21)
    expect(times.p95Ms).toBe(20)
  })
})
