import { describe, expect, it } from 'vitest'
import { elementCount } from './element-count.ts'

describe('elementCount', () => {
  it.each([
    [[], 1],
    [[3, 4], 12],
    [[0, 5], 0],
    [[2 ** 31 - 1], 2 ** 31 - 1],
  ])('of %j is %s', (dims, count) => {
    expect(elementCount(dims)).toBe(count)
  })

  it.each([
    [[-1]],
    [[1.5]],
    [[Number.NaN]],
    [['3']],
    [[2 ** 63]],
    [[2 ** 40, 0]],
    [[0, 2 ** 40]],
    [[2 ** 16, 2 ** 16]],
    [[2 ** 32, 2 ** 32, 2 ** 32]],
    [new Array(33).fill(1)],
  ])('refuses %j', (dims) => {
    expect(elementCount(dims)).toBeUndefined()
  })
})
