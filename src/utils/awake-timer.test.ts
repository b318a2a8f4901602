import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startAwakeTimer } from './awake-timer.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('it elapses once, when the time is over', () => {
  const elapsed = vi.fn()
  startAwakeTimer(10_000, elapsed, { nowMs: () => Date.now() })
  vi.advanceTimersByTime(9_900)
  expect(elapsed).not.toHaveBeenCalled()
  vi.advanceTimersByTime(200)
  expect(elapsed).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(60_000)
  expect(elapsed).toHaveBeenCalledTimes(1)
})

test('31: a minute in which the page was frozen does not count', () => {
  const elapsed = vi.fn()
  let frozenMs = 0
  startAwakeTimer(10_000, elapsed, { nowMs: () => Date.now() + frozenMs })
  vi.advanceTimersByTime(3_000)
  frozenMs = 60_000
  vi.advanceTimersByTime(5_000)
  expect(elapsed).not.toHaveBeenCalled()
  vi.advanceTimersByTime(2_000)
  expect(elapsed).toHaveBeenCalledTimes(1)
})

test('stopped, it never elapses', () => {
  const elapsed = vi.fn()
  const stop = startAwakeTimer(50, elapsed, { nowMs: () => Date.now() })
  vi.advanceTimersByTime(30)
  stop()
  vi.advanceTimersByTime(1_000)
  expect(elapsed).not.toHaveBeenCalled()
})
