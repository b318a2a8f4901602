import { afterAll, expect, test } from 'vitest'
import { openOtherRealm } from '../../testing/other-realm.ts'
import { parseClientOptions } from './parse-client-options.ts'
import { parseRunOptions } from './parse-run-options.ts'

const { realm, close } = openOtherRealm()
afterAll(close)

test('options may hold the addresses and signals of a frame', () => {
  const endpoint = { url: new realm.URL('https://models.test/') }
  const options = Object.assign(new realm.Object(), { catalog: endpoint.url, endpoint: realm.Array.of(endpoint) })
  expect(parseClientOptions(options)).toBe(options)
  const { signal } = new realm.AbortController()
  expect(parseRunOptions({ signal }).signal).toBe(signal)
})

test('what is no signal is refused with its name', () => {
  expect(() => parseRunOptions({ signal: {} })).toThrow(
    'signal: Invalid type: Expected AbortSignal but received Object',
  )
})
