import { expect, test } from 'vitest'
import { createBreaker } from './breaker.ts'

const opened = () => {
  const breaker = createBreaker({ failures: 2, openMs: 100 })
  breaker.failure(0)
  breaker.failure(10)
  return breaker
}

test('it opens at the limit, and only for failures in a row', () => {
  const breaker = createBreaker({ failures: 2, openMs: 100 })
  breaker.failure(0)
  breaker.success()
  breaker.failure(1)
  expect(breaker.state(2)).toBe('closed')
  breaker.failure(2)
  expect(breaker.state(3)).toBe('open')
  expect(breaker.allows(3)).toBe(false)
})

test('after its time it is half-open and lets one probe through', () => {
  const breaker = opened()
  expect(breaker.state(109)).toBe('open')
  expect(breaker.state(110)).toBe('half-open')
  expect(breaker.allows(110)).toBe(true)
  breaker.begin(110)
  expect(breaker.allows(111)).toBe(false)
})

test('a probe that fails opens it again at once, one that succeeds closes it', () => {
  const failing = opened()
  failing.begin(110)
  failing.failure(120)
  expect(failing.state(219)).toBe('open')
  expect(failing.state(220)).toBe('half-open')
  const working = opened()
  working.begin(110)
  working.success()
  expect(working.state(111)).toBe('closed')
  working.failure(112)
  expect(working.state(113)).toBe('closed')
})

test('an abandoned probe frees the place and says nothing of the arm', () => {
  const breaker = opened()
  breaker.begin(110)
  breaker.abandon()
  expect(breaker.state(111)).toBe('half-open')
  expect(breaker.allows(111)).toBe(true)
})

test('a probe that never reports back blocks the next one only for a while', () => {
  const breaker = opened()
  breaker.begin(110)
  expect(breaker.allows(209)).toBe(false)
  expect(breaker.allows(210)).toBe(true)
})

test('a failure that comes late does not prolong it', () => {
  const breaker = opened()
  breaker.failure(100)
  expect(breaker.state(110)).toBe('half-open')
})

test('a clock that jumped back does not keep the arm set aside', () => {
  const breaker = createBreaker({ failures: 1, openMs: 100 })
  breaker.failure(1_000_000)
  expect(breaker.allows(0)).toBe(true)
})
