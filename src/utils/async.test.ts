import { expect, test, vi } from 'vitest'
import { abortable } from './abortable.ts'
import { createEmitter } from './emitter.ts'
import { memoizeAsync } from './memoize-async.ts'
import { createSerialQueue } from './serial-queue.ts'
import { withDeadline } from './with-deadline.ts'

test('a queue runs one task at a time, and a failure does not stop the next', async () => {
  const queue = createSerialQueue()
  const log: string[] = []
  const first = queue.add(async () => {
    log.push('first starts')
    await Promise.resolve()
    log.push('first ends')
    throw new Error('first')
  })
  const second = queue.add(async () => {
    log.push('second')
    return 2
  })
  expect(queue.size).toBe(2)
  await expect(first).rejects.toThrow('first')
  expect(await second).toBe(2)
  expect(log).toEqual(['first starts', 'first ends', 'second'])
  expect(queue.size).toBe(0)
})

test('an abort answers at once with its own reason', async () => {
  const controller = new AbortController()
  const waiting = abortable(new Promise(() => {}), controller.signal)
  controller.abort('enough')
  await expect(waiting).rejects.toBe('enough')
  await expect(abortable(Promise.resolve(1), controller.signal)).rejects.toBe('enough')
  expect(await abortable(Promise.resolve(1), undefined)).toBe(1)
})

test('a deadline aborts the work with its error, and its timer ends with the work', async () => {
  const timers = { setTimeout: vi.fn(() => 7), clearTimeout: vi.fn() }
  const work = (signal: AbortSignal) => abortable(new Promise<never>(() => {}), signal)
  const late = withDeadline(work, { ms: 50, onDeadline: () => new Error('late'), timers })
  expect(timers.setTimeout).toHaveBeenCalledWith(expect.any(Function), 50)
  ;(timers.setTimeout.mock.calls as unknown as [() => void][])[0]?.[0]()
  await expect(late).rejects.toThrow('late')
  expect(timers.clearTimeout).toHaveBeenCalledWith(7)
})

test('what fails is not remembered, what works is', async () => {
  const load = vi.fn(async (key: string) => {
    if (load.mock.calls.length === 1) throw new Error('once')
    return key
  })
  const memoized = memoizeAsync(load)
  await expect(memoized('a')).rejects.toThrow('once')
  expect(await memoized('a')).toBe('a')
  expect(await memoized('a')).toBe('a')
  expect(load).toHaveBeenCalledTimes(2)
  memoized.forget('a')
  await memoized('a')
  expect(load).toHaveBeenCalledTimes(3)
})

test('a listener that is stopped hears nothing more', () => {
  const events = createEmitter<{ ping: number }>()
  const heard: number[] = []
  const stop = events.on('ping', (value) => heard.push(value))
  events.emit('ping', 1)
  stop()
  events.emit('ping', 2)
  expect(heard).toEqual([1])
})

test('without a deadline of its own, work gets the caller’s very signal', async () => {
  const { signal } = new AbortController()
  const onDeadline = () => new Error('late')
  expect(await withDeadline(async (given) => given === signal, { ms: undefined, signal, onDeadline })).toBe(true)
  expect(await withDeadline(async (given) => given === signal, { ms: 1_000, signal, onDeadline })).toBe(false)
})
