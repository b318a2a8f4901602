import { expect, test } from 'vitest'
import { createManualTimers } from '../testing/manual-timers.ts'
import { createTimedCalls } from './timed-calls.ts'

/** A line of calls on a clock of the test's own. */
function open() {
  const timers = createManualTimers()
  const clock = { nowMs: 0 }
  const calls = createTimedCalls({ timers, nowMs: () => clock.nowMs })
  const expired: string[] = []
  const add = (name: string, ms = 1_000) => {
    let settle: { resolve(value: string): void; reject(error: Error): void } | undefined
    const make = () => new Promise<string>((resolve, reject) => (settle = { resolve, reject }))
    const answer = calls.add(ms, () => expired.push(name), make)
    return {
      answer,
      resolve: (value: string) => settle?.resolve(value),
      reject: (error: Error) => settle?.reject(error),
    }
  }
  /** Lets awake time pass: as many ticks as the timers of one second have in it. */
  const pass = (ms: number) => {
    for (const endMs = clock.nowMs + ms; clock.nowMs < endMs; ) {
      clock.nowMs += 125
      timers.fireAll()
    }
  }
  return { calls, add, pass, expired, timers }
}

test('the time of a call runs only once it is the first in the line', async () => {
  const { calls, add, pass, expired } = open()
  const [first, second] = [add('first'), add('second')]
  pass(750)
  expect([calls.waiting, calls.busyForMs, expired]).toEqual([2, 750, []])
  first.resolve('answer')
  expect(await first.answer).toBe('answer')
  expect([calls.waiting, calls.busyForMs]).toEqual([1, 0])
  pass(750)
  expect([calls.busyForMs, expired]).toEqual([750, []])
  pass(250)
  expect(expired).toEqual(['second'])
  second.resolve('late')
  expect(await second.answer).toBe('late')
  expect([calls.waiting, calls.busyForMs]).toEqual([0, 0])
})

test('a call that fails makes room for the next one', async () => {
  const { calls, add, timers } = open()
  const [first, second] = [add('first'), add('second')]
  first.reject(new Error('refused'))
  await expect(first.answer).rejects.toThrow('refused')
  expect([calls.waiting, timers.size]).toEqual([1, 1])
  second.resolve('answer')
  await second.answer
  expect([calls.waiting, timers.size]).toEqual([0, 0])
})

test('once the line is cleared no call expires, and calls that settle later change nothing', async () => {
  const { calls, add, pass, expired, timers } = open()
  const [first, second] = [add('first'), add('second')]
  calls.clear()
  expect([calls.waiting, calls.busyForMs, timers.size]).toEqual([0, 0, 0])
  const next = add('next')
  first.resolve('answer')
  second.reject(new Error('ended'))
  await first.answer
  await expect(second.answer).rejects.toThrow('ended')
  expect(calls.waiting).toBe(1)
  pass(875)
  expect(expired).toEqual([])
  pass(125)
  expect(expired).toEqual(['next'])
  next.resolve('answer')
  await next.answer
})
