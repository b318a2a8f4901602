import { afterEach, describe, expect, it, vi } from 'vitest'
import { createAdmission, type RunUnderWay } from './admission.ts'
import { type LoopDelay, watchLoopDelay } from './loop-delay.ts'
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
afterEach(() => vi.useRealTimers())

const inMs = (ms: number) => performance.now() + ms

describe('createAdmission', () => {
  it('adds up the rest of the run under way, the run sent ahead, and the queue', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const one = { key: 'model', bytes: 0 }
    const times = [1000]
    expect(open({ times }).admission.waitMs('model')).toBe(0)
    expect(open({ times, running: [{ expectedMs: 100 }] }).admission.waitMs('model')).toBe(100)
    const { admission, queue } = open({ times, running: [{ expectedMs: 100, ahead: one }] })
    expect(admission.waitMs('model')).toBe(1100)
    queue.push(one)
    expect(admission.waitMs('model')).toBe(2100)
    vi.advanceTimersByTime(60)
    expect(admission.waitMs('model')).toBe(2040)
    // The run is late already: it may end at any time.
    vi.advanceTimersByTime(60)
    expect(admission.waitMs('model')).toBe(2000)
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
  const look = (delay: LoopDelay, lateMs: number) => {
    clockMs += 20 + lateMs
    vi.advanceTimersByTime(20)
    return delay.ms
  }
  let clockMs = 0

  it('averages how late its timer is, and forgets it once the thread is idle', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const delay = watchLoopDelay(() => clockMs)
    expect(look(delay, 0)).toBe(0)
    expect(look(delay, 500)).toBeCloseTo(50)
    expect(look(delay, 500)).toBeCloseTo(95)
    expect(look(delay, 0)).toBeCloseTo(85.5)
    for (let count = 0; count < 50; count += 1) look(delay, 0)
    expect(delay.ms).toBeLessThan(1)
    delay.stop()
    const last = delay.ms
    expect(look(delay, 500)).toBe(last)
  })
})
