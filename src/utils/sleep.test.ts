import { expect, test, vi } from 'vitest'
import { sleep } from './sleep.ts'

test('sleeps, and wakes with the reason when it is aborted', async () => {
  vi.useFakeTimers()
  try {
    const controller = new AbortController()
    const slept = sleep(1_000, controller.signal)
    const woken = sleep(2_000, controller.signal)
    await vi.advanceTimersByTimeAsync(1_000)
    await slept
    controller.abort('up')
    await expect(woken).rejects.toBe('up')
    await expect(sleep(5, controller.signal)).rejects.toBe('up')
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})
