import { expect, expectTypeOf, test } from 'vitest'
import { given } from './given.ts'

test('undefined members are left out, all others stay', () => {
  expect(Object.entries(given({ a: 1, b: undefined, c: null, d: 0, e: false, f: '' }))).toEqual([
    ['a', 1],
    ['c', null],
    ['d', 0],
    ['e', false],
    ['f', ''],
  ])
})

test('a member that may be undefined becomes one that may be absent', () => {
  const b = undefined as string | undefined
  const made = given({ a: 1, b })
  expectTypeOf(made).toExtend<{ readonly a: number; readonly b?: string }>()
  expect('b' in made).toBe(false)
})
