import { expect, test } from 'vitest'
import { routerSettings } from '../router-settings.ts'
import { createWasteBudget } from './waste-budget.ts'

const open = () => createWasteBudget({ edge: 0.15, cloud: 0.03 }, routerSettings)

test('a wasted run costs more, the fewer tokens are left, and more in the cloud than on this device', () => {
  const { tokens, priceOf } = open()
  const before = priceOf('cloud', 100)
  expect(before).toBeCloseTo(0.04 * 1100, 9)
  expect(priceOf('edge', 100)).toBeLessThan(before)
  tokens.cloud.take()
  expect(priceOf('cloud', 100)).toBeCloseTo(1.6 * before, 9)
})

test('no second run follows on an arm that is overdrawn by more than was saved up', () => {
  const { tokens, mayFollow } = open()
  const takeAll = (arm: 'edge' | 'cloud', count: number) => {
    for (let taken = 0; taken < count; taken += 1) tokens[arm].take()
  }
  takeAll('cloud', 5)
  expect(mayFollow('edge', 'cloud')).toBe(true)
  takeAll('cloud', 1)
  expect(mayFollow('edge', 'cloud')).toBe(false)
  // Its own first run may still be rescued by this device.
  expect(mayFollow('cloud', 'edge')).toBe(true)
  takeAll('cloud', 6)
  expect(mayFollow('cloud', 'edge')).toBe(false)
})
