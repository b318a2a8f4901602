import { afterEach, describe, expect, it, vi } from 'vitest'
import { createAdmission, type RunUnderWay } from './admission.ts'
import { watchLoopDelay } from './loop-delay.ts'
import { createRunHistory } from './run-history.ts'
import { createWorkQueue, type QueuedWork } from './work-queue.ts'

/** An admission whose model takes 10 ms each time, or what `times` say. */
function open(options: {
  readonly running?: readonly Partial<RunUnderWay<QueuedWork>>[]
  readonly delayMs?: number
  readonly times?: readonly number[]
}) {
  const { running = [], delayMs = 0, times = [10] } = options
  const queue = createWorkQueue<QueuedWork>({ maxWaiting: 100, maxWaitingBytes: 100 })
  const history = createRunHistory()
  for (const ms of times) history.learn(1, ms)
  const runs = running.map((run) => ({ key: 'model', startMs: performance.now(), expectedMs: 10_000, ...run }))
  const admission = createAdmission({
    workers: 1,
    maxWaitMs: 20_000,
    queue,
    historyOf: () => history,
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

describe('a thread that does nothing', () => {
  afterEach(() => vi.useRealTimers())

  it('takes what will probably be in time, so that a few slow runs do not stop a model for ever', () => {
    const times = [...Array.from({ length: 18 }, () => 10), 9000, 9000]
    open({ times }).admission.check('model', inMs(5000))
    const busy = open({ times, running: [{ expectedMs: 0 }] }).admission
    expect(() => busy.check('model', inMs(5000))).toThrow(expect.objectContaining({ code: 'cloud-overloaded' }))
  })

  it('tries a model again that was slow ten seconds ago', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const { admission } = open({ times: [9000] })
    const ask = () => admission.check('model', inMs(5000))
    expect(ask).toThrow(expect.objectContaining({ code: 'cloud-overloaded' }))
    vi.advanceTimersByTime(9_000)
    expect(ask).toThrow(expect.objectContaining({ code: 'cloud-overloaded' }))
    vi.advanceTimersByTime(2_000)
    ask()
  })
})

describe('watchLoopDelay', () => {
  it('sees a thread that was busy with something else, and forgets it', async () => {
    const delay = watchLoopDelay()
    const busyUntil = performance.now() + 500
    while (performance.now() < busyUntil);
    await expect.poll(() => delay.ms, { interval: 1 }).toBeGreaterThan(40)
    await expect.poll(() => delay.ms, { timeout: 20_000 }).toBeLessThan(20)
    delay.stop()
  })
})
