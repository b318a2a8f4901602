import { describe, expect, it, vi } from 'vitest'
import { createBoundedQueue } from './bounded-queue.ts'

const never = new AbortController().signal
const limits = { slots: 1, maxWaiting: 2, maxWaitingBytes: 100, maxWaitMs: 1000 }
const overloaded = { name: 'CloudError', code: 'cloud-overloaded' }

describe('createBoundedQueue', () => {
  it('lets in as many as there are slots, then one for each that leaves, in order', async () => {
    const queue = createBoundedQueue(limits)
    const leave = await queue.enter(0, never)
    const order: string[] = []
    const second = queue.enter(0, never).then((next) => (order.push('second'), next))
    const third = queue.enter(0, never).then((next) => (order.push('third'), next))
    expect(queue.waiting).toBe(2)
    leave()
    ;(await second)()
    ;(await third)()
    expect(order).toEqual(['second', 'third'])
    expect(queue.waiting).toBe(0)
    ;(await queue.enter(0, never))()
  })

  it('refuses what would wait beyond its number', async () => {
    const queue = createBoundedQueue(limits)
    await queue.enter(0, never)
    void queue.enter(0, never)
    void queue.enter(0, never)
    await expect(queue.enter(0, never)).rejects.toMatchObject(overloaded)
  })

  it('refuses what would wait beyond its bytes, and takes them again when they are free', async () => {
    const queue = createBoundedQueue(limits)
    const leave = await queue.enter(1000, never)
    const waiting = queue.enter(60, never)
    await expect(queue.enter(41, never)).rejects.toMatchObject(overloaded)
    leave()
    await waiting
    void queue.enter(100, never)
    expect(queue.waiting).toBe(1)
  })

  it("lets go of one whose signal aborts, with the signal's reason", async () => {
    const queue = createBoundedQueue(limits)
    const leave = await queue.enter(0, never)
    const controller = new AbortController()
    const gone = expect(queue.enter(100, controller.signal)).rejects.toBe('gone')
    controller.abort('gone')
    await gone
    const next = queue.enter(100, never)
    leave()
    await next
  })

  it('does not let in one that was aborted before', async () => {
    const queue = createBoundedQueue(limits)
    await expect(queue.enter(0, AbortSignal.abort('gone'))).rejects.toBe('gone')
    ;(await queue.enter(0, never))()
  })

  it('refuses one that waited too long, and leaves no timer behind', async () => {
    vi.useFakeTimers()
    const queue = createBoundedQueue(limits)
    const leave = await queue.enter(0, never)
    const late = expect(queue.enter(0, never)).rejects.toMatchObject(overloaded)
    await vi.advanceTimersByTimeAsync(1000)
    await late
    expect(queue.waiting).toBe(0)
    leave()
    await queue.enter(0, never)
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })
})
