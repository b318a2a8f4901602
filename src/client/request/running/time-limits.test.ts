import { expect, test } from 'vitest'
import { silentAfterMs } from './time-limits.ts'

const arms = [
  { arm: 'edge', meanMs: 1, p90Ms: 1 },
  { arm: 'cloud', endpoint: 'near', meanMs: 500, p90Ms: 900 },
  { arm: 'cloud', endpoint: 'slow', meanMs: 5_000, p90Ms: 20_000 },
  { arm: 'cloud', endpoint: 'fast', meanMs: 10, p90Ms: 20 },
] as const

test('a silent endpoint has failed after a multiple of what was predicted, between 5 and 30 s', () => {
  expect(silentAfterMs({ arms }, { arm: 'cloud', endpoint: 'near' })).toBe(9_000)
  expect(silentAfterMs({ arms }, { arm: 'cloud', endpoint: 'fast' })).toBe(5_000)
  expect(silentAfterMs({ arms }, { arm: 'cloud', endpoint: 'slow' })).toBe(30_000)
  expect(silentAfterMs({ arms }, { arm: 'cloud', endpoint: 'unheard of' })).toBe(30_000)
})
