import { expect, test } from 'vitest'
import { slopePer } from './slope.ts'

test('the slope is that of the line, whatever the level, and noise around it cancels out', () => {
  expect(slopePer([5, 7, 9, 11])).toBe(2)
  expect(slopePer([100, 100, 100])).toBe(0)
  expect(slopePer([0, 2, 0, 2, 0])).toBe(0)
})
