import { expect, test } from 'vitest'
import { until } from '../../testing/until.ts'
import { createLocks } from './locks.ts'

const refusing = {
  request: async () => {
    throw new DOMException('opaque origin', 'SecurityError')
  },
} as unknown as Pick<LockManager, 'request'>

test.each([
  ['without a lock manager', undefined],
  ['with one that refuses', refusing],
])('%s, one holder at a time within this thread, in order', async (_, manager) => {
  const locks = createLocks(manager)
  const events: string[] = []
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  const hold = (name: string) =>
    locks.hold('a', async () => {
      events.push(`${name} in`)
      await released
      events.push(`${name} out`)
      return name
    })
  const all = Promise.all([hold('1'), hold('2'), hold('3')])
  await until(() => events.length > 0)
  // Another lock is free meanwhile.
  await locks.hold('b', async () => {})
  release()
  expect(await all).toEqual(['1', '2', '3'])
  expect(events).toEqual(['1 in', '1 out', '2 in', '2 out', '3 in', '3 out'])
})

test('a holder that fails lets go, one that aborts while it waits never gets in', async () => {
  const locks = createLocks(undefined)
  let release = () => {}
  const first = locks.hold('a', () => new Promise<void>((resolve) => (release = resolve)))
  const controller = new AbortController()
  const second = locks.hold('a', async () => expect.unreachable(), controller.signal)
  const third = locks.hold('a', async () => {
    throw new Error('third')
  })
  const fourth = locks.hold('a', async () => 'fourth')
  controller.abort('bored')
  await expect(second).rejects.toBe('bored')
  await Promise.resolve()
  release()
  await first
  await expect(third).rejects.toThrow('third')
  expect(await fourth).toBe('fourth')
})

test('holdIfFree does nothing while somebody holds the lock', async () => {
  const locks = createLocks(undefined)
  let runs = 0
  const count = async () => {
    runs += 1
  }
  await locks.hold('a', () => locks.holdIfFree('a', count))
  expect(runs).toBe(0)
  await locks.holdIfFree('a', count)
  expect(runs).toBe(1)
})
