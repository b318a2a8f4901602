import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KeyValues } from './key-values.ts'
import { createRememberedPrefixes, sharedLength } from './remembered-prefixes.ts'

const bytesPerToken = 10
const keyValuesOf = (length: number): KeyValues => ({
  length,
  places: length,
  bytes: length * bytesPerToken,
  feeds: {},
})
const read = (...ids: number[]) => ({ ids, keyValues: keyValuesOf(ids.length) })

test('of several conversations, the one with the longest common beginning; of equals the newest', () => {
  const prefixes = createRememberedPrefixes(1_000)
  const [first, second, third] = [read(1, 2, 3, 4), read(1, 2, 9, 9), read(1, 2, 9, 8)]
  for (const each of [first, second, third]) prefixes.remember(each)
  expect(prefixes.find([1, 2, 3, 5])).toEqual({ read: first, shared: 3 })
  expect(prefixes.find([1, 2, 9])).toEqual({ read: third, shared: 3 })
  expect(prefixes.find([7, 1, 2])).toBeUndefined()
})

test('what a conversation continues is forgotten; what branches off is not', () => {
  const gone: KeyValues[] = []
  const prefixes = createRememberedPrefixes(1_000, (keyValues) => gone.push(keyValues))
  const [begun, continued, branch] = [read(1, 2), read(1, 2, 3), read(1, 4)]
  for (const each of [begun, continued, branch]) prefixes.remember(each)
  expect(gone).toEqual([begun.keyValues])
  expect(prefixes.bytes).toBe(5 * bytesPerToken)
})

test('what was used last stays; one that is larger than all is not remembered', () => {
  const gone: KeyValues[] = []
  const prefixes = createRememberedPrefixes(4 * bytesPerToken, (keyValues) => gone.push(keyValues))
  const [first, second, third, huge] = [read(1, 1), read(2, 2), read(3, 3), read(4, 4, 4, 4, 4)]
  prefixes.remember(first)
  prefixes.remember(second)
  prefixes.find([1, 1])
  prefixes.remember(third)
  expect(gone).toEqual([second.keyValues])
  prefixes.remember(huge)
  expect(gone).toEqual([second.keyValues, huge.keyValues])
  expect(prefixes.find([1, 1])?.read).toBe(first)
})

test('after 200 conversations memory is flat: whatever is not known is given up, once (case 67)', () => {
  const token = fc.nat({ max: 3 })
  const conversation = fc.array(token, { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(fc.array(conversation, { minLength: 200, maxLength: 200 }), (conversations) => {
      const held = new Set<KeyValues>()
      const budget = 30 * bytesPerToken
      const prefixes = createRememberedPrefixes(budget, (keyValues) => expect(held.delete(keyValues)).toBe(true))
      for (const ids of conversations) {
        const found = prefixes.find(ids)
        if (found !== undefined) expect(found.shared).toBe(sharedLength(found.read.ids, ids))
        const next = read(...ids)
        held.add(next.keyValues)
        prefixes.remember(next)
        expect(prefixes.bytes).toBeLessThanOrEqual(budget)
        expect([...held].reduce((sum, { bytes }) => sum + bytes, 0)).toBe(prefixes.bytes)
      }
      prefixes.forgetAll()
      expect([held.size, prefixes.bytes]).toEqual([0, 0])
    }),
    { numRuns: 30 },
  )
})
