import fc from 'fast-check'
import { expect, test } from 'vitest'
import { meanOf } from '../utils/log-normal.ts'
import { readCapacity } from './read-capacity.ts'

const report = {
  format: 1,
  workers: 4,
  busy: 2,
  waiting: 1,
  waitMs: 12,
  draining: false,
  models: [
    { name: 'digits', version: '1', waiting: 0, runs: 10, serviceMs: { mean: 5, p95: 9 } },
    { name: 'unrun', version: '1', waiting: 0, runs: 0 },
    { name: 'odd', version: '1', serviceMs: { mean: -3 } },
  ],
}

test('the wait and the service times are read; a model without one is left out', () => {
  const said = readCapacity(report)
  expect(said?.waitMs).toBe(12)
  expect(said?.models.map(({ name, version }) => [name, version])).toEqual([['digits', '1']])
  expect(Math.exp(said?.models[0]?.service.mu ?? 0)).toBeCloseTo(5, 9)
})

test('a report of another release still tells what it can', () => {
  expect(readCapacity({ models: [{ name: 'digits', serviceMs: { mean: 7 } }] })).toMatchObject({ waitMs: 0 })
  expect(readCapacity({ waitMs: 'soon' })).toEqual({ waitMs: 0, models: [] })
  expect(readCapacity({ ...report, draining: true })?.waitMs).toBe(60_000)
  expect(readCapacity('no report')).toBeUndefined()
})

test('whatever an endpoint says, no time is no number', () => {
  fc.assert(
    fc.property(fc.anything(), fc.double(), fc.double(), (anything, mean, p95) => {
      readCapacity(anything)
      const said = readCapacity({ waitMs: mean, models: [anything, { name: 'm', serviceMs: { mean, p95 } }] })
      expect(Number.isFinite(said?.waitMs)).toBe(true)
      for (const { service } of said?.models ?? []) expect(Number.isFinite(meanOf(service))).toBe(true)
    }),
  )
})
