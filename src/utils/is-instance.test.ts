import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { isInstance } from './is-instance.ts'

const foreign = (code: string): unknown => runInNewContext(code)

test.each([
  ['Uint8Array', 'new Uint8Array(2)'],
  ['Float32Array', 'new Float32Array(2)'],
  ['Float32Array', 'new (class Samples extends Float32Array {})(2)'],
  ['BigInt64Array', 'new BigInt64Array(2)'],
  ['ArrayBuffer', 'new ArrayBuffer(2)'],
  ['Map', 'new Map()'],
] as const)('a %s of another realm is one', (name, code) => {
  expect(foreign(code)).not.toBeInstanceOf(globalThis[name])
  expect(isInstance(foreign(code), name)).toBe(true)
})

test('a class of this realm, one that extends it, and what is neither', () => {
  expect(isInstance(new Blob([]), 'Blob')).toBe(true)
  expect(isInstance(new File([], 'a'), 'Blob')).toBe(true)
  expect(isInstance(new Blob([]), 'File')).toBe(false)
  expect(isInstance(new (class Samples extends Float32Array {})(1), 'Float32Array')).toBe(true)
  expect(isInstance(foreign('new Uint8ClampedArray(1)'), 'Uint8Array')).toBe(false)
})

test.each([null, undefined, 'Blob', 1, {}, Object.create(null), { [Symbol.toStringTag]: 'Blob' }])(
  'what only looks like it is none: %#',
  (value) => {
    expect(isInstance(value, 'Blob')).toBe(false)
  },
)

test('a class that this thread does not have has no instances', () => {
  expect(isInstance({}, 'HTMLVideoElement')).toBe(false)
})

test('a proxy that was revoked is an instance of nothing', () => {
  const { proxy, revoke } = Proxy.revocable(new Blob([]), {})
  revoke()
  expect(isInstance(proxy, 'Blob')).toBe(false)
})
