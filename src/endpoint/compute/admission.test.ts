import { describe, expect, it } from 'vitest'
import { createAdmission, type RunUnderWay } from './admission.ts'
import { watchLoopDelay } from './loop-delay.ts'
import { createModelLoad } from './model-load.ts'
import { createWorkQueue, type QueuedWork } from './work-queue.ts'

/** An admission whose model takes 10 ms each time. */
function open(options: { readonly running?: readonly Partial<RunUnderWay<QueuedWork>>[]; readonly delayMs?: number }) {
  const { running = [], delayMs = 0 } = options
  const queue = createWorkQueue<QueuedWork>({ maxWaiting: 100, maxWaitingBytes: 100 })
  const load = createModelLoad()
  load.learn(1, 10)
  const runs = running.map((run) => ({ key: 'model', startMs: performance.now(), expectedMs: 10_000, ...run }))
  const admission = createAdmission({
    workers: 1,
    maxWaitMs: 20_000,
    queue,
    loadOf: () => load,
    isFree: () => runs.length === 0,
    running: () => runs,
    loopDelay: { ms: delayMs, stop: () => {} },
  })
  return { admission, queue }
}
const inMs = (ms: number) => performance.now() + ms

describe('createAdmission', () => {
  it('counts what runs, what was sent ahead, and what waits', () => {
    const one = { key: 'model', bytes: 0 }
    expect(open({}).admission.waitMs('model')).toBe(0)
    const { admission, queue } = open({ running: [{ ahead: one }] })
    expect(admission.waitMs('model')).toBeCloseTo(10_010, -2)
    queue.push(one)
    expect(admission.waitMs('model')).toBeCloseTo(10_020, -2)
  })

  it('refuses what would be answered too late', () => {
    const { admission } = open({ running: [{}] })
    expect(() => admission.check('model', inMs(9000))).toThrow(expect.objectContaining({ code: 'cloud-overloaded' }))
    admission.check('model', inMs(12_000))
    admission.check('model', undefined)
  })

  it('counts that requests and answers wait to be seen to', () => {
    const late = open({ delayMs: 3000 }).admission
    expect(() => late.check('model', inMs(5000))).toThrow(expect.objectContaining({ code: 'cloud-overloaded' }))
    late.check('model', inMs(7000))
    expect(late.isLate('model', performance.now(), inMs(2000))).toBe(true)
    expect(late.isLate('model', performance.now(), inMs(4000))).toBe(false)
    expect(late.isLate('model', performance.now(), undefined)).toBe(false)
  })
})

describe('watchLoopDelay', () => {
  it('sees a thread that was busy with something else, and forgets it', async () => {
    const delay = watchLoopDelay()
    const busyUntil = performance.now() + 500
    while (performance.now() < busyUntil);
    expect(delay.ms).toBeGreaterThan(400)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(delay.ms).toBeGreaterThan(100)
    await expect.poll(() => delay.ms, { timeout: 20_000 }).toBeLessThan(100)
    delay.stop()
  })
})
