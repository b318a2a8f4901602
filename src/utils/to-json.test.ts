import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withExtendedPrototypes } from '../testing/extended-prototypes.ts'
import { toJson } from './to-json.ts'

test('is JSON.stringify', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(toJson(value as object)).toBe(JSON.stringify(value))
    }),
  )
  expect(toJson({ a: [1] }, 2)).toBe(JSON.stringify({ a: [1] }, null, 2))
})

test('a toJSON that a page’s script gave every array, object, text and number changes nothing', async () => {
  const value = { list: [1, 'two', [true, null]], inner: { three: 3 }, gone: undefined }
  const plain = JSON.stringify(value)
  const [ours, theirs] = await withExtendedPrototypes(() => [toJson(value), JSON.stringify(value)])
  expect(theirs).not.toBe(plain)
  expect(ours).toBe(plain)
})

test('a form of its own is kept', async () => {
  const at = new Date(0)
  const value = { at, own: { toJSON: () => 'own' } }
  expect(await withExtendedPrototypes(() => toJson(value))).toBe('{"at":"1970-01-01T00:00:00.000Z","own":"own"}')
})
