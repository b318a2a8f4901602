import { describe, expect, it, vi } from 'vitest'
import { createBoundedQueue } from './bounded-queue.ts'

const never = new AbortController().signal
const overloaded = { name: 'CloudError', code: 'cloud-overloaded' }

/** A queue with one thing to hand out, `pen`. */
function open() {
  const queue = createBoundedQueue<string>({ maxWaiting: 2, maxWaitingBytes: 100, maxWaitMs: 1000 })
  queue.give('pen')
  return queue
}

describe('createBoundedQueue', () => {
  it('hands out what is free, then what is given back, in order', async () => {
    const queue = open()
    const pen = await queue.take(0, never)
    const order: string[] = []
    const second = queue.take(0, never).then(() => order.push('second'))
    const third = queue.take(0, never).then(() => order.push('third'))
    expect(queue.waiting).toBe(2)
    queue.give(pen)
    await second
    expect(order).toEqual(['second'])
    queue.give('brush')
    await third
    queue.give(pen)
    expect(await queue.take(0, never)).toBe('pen')
  })

  it('hands nothing out twice', async () => {
    const queue = open()
    queue.give('pen')
    await queue.take(0, never)
    const waiting = queue.take(0, never)
    expect(queue.waiting).toBe(1)
    queue.give('pen')
    await waiting
  })

  it('refuses what would wait beyond its number', async () => {
    const queue = open()
    await queue.take(0, never)
    queue.take(0, never).catch(() => {})
    queue.take(0, never).catch(() => {})
    await expect(queue.take(0, never)).rejects.toMatchObject(overloaded)
  })

  it('refuses what would wait beyond its bytes, and takes them again when they are free', async () => {
    const queue = open()
    const pen = await queue.take(1000, never)
    const waiting = queue.take(60, never)
    await expect(queue.take(41, never)).rejects.toMatchObject(overloaded)
    queue.give(pen)
    await waiting
    queue.take(100, never).catch(() => {})
    expect(queue.waiting).toBe(1)
  })

  it("lets go of one whose signal aborts, with the signal's reason", async () => {
    const queue = open()
    const pen = await queue.take(0, never)
    const controller = new AbortController()
    const gone = expect(queue.take(100, controller.signal)).rejects.toBe('gone')
    controller.abort('gone')
    await gone
    const next = queue.take(100, never)
    queue.give(pen)
    expect(await next).toBe('pen')
  })

  it('gives nothing to one that was aborted before', async () => {
    const queue = open()
    await expect(queue.take(0, AbortSignal.abort('gone'))).rejects.toBe('gone')
    expect(await queue.take(0, never)).toBe('pen')
  })

  it('does not hand out what was withdrawn', async () => {
    const queue = open()
    queue.withdraw('pen')
    queue.withdraw('never there')
    const waiting = queue.take(0, never)
    expect(queue.waiting).toBe(1)
    queue.give('brush')
    expect(await waiting).toBe('brush')
  })

  it('refuses one that waited too long, and leaves no timer behind', async () => {
    vi.useFakeTimers()
    const queue = open()
    const pen = await queue.take(0, never)
    const late = expect(queue.take(0, never)).rejects.toMatchObject(overloaded)
    await vi.advanceTimersByTimeAsync(1000)
    await late
    queue.give(pen)
    await queue.take(0, never)
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })
})
