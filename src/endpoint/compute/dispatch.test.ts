import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RunUnderWay } from './admission.ts'
import { createDispatch } from './dispatch.ts'
import type { InferThread } from './infer-thread.ts'
import type { PoolJob } from './pool-job.ts'
import { createRunHistory } from './run-history.ts'
import { createWorkQueue } from './work-queue.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

/** A thread that runs nothing. `begun` says whether it has begun what was sent ahead to it. */
function fakeThread() {
  const sent: unknown[] = []
  const thread = {
    alive: true,
    begun: false,
    sent,
    sendAhead: async (task: unknown) => sent.push(task),
    takeBack: () => !thread.begun && sent.pop() !== undefined,
  }
  return thread as typeof thread & InferThread
}

function job(key = 'model', deadlineAtMs?: number) {
  const reject = vi.fn()
  const task = { model: { key, shared: { graph: new SharedArrayBuffer(0), externalData: new Map() } }, deadlineAtMs }
  const one = { key, bytes: 0, kind: '', rows: undefined, startMs: performance.now(), resolve: vi.fn(), reject }
  return { ...one, task: { ...task, inputs: {}, outputs: [] } } satisfies PoolJob
}

/** One model whose runs take `runMs`, and threads of which `free` are free and the others run. */
function open({ runMs = 10, free = [] as InferThread[], busy = [] as InferThread[], late = false } = {}) {
  const queue = createWorkQueue<PoolJob>({ maxWaiting: 10, maxWaitingBytes: 10 })
  const history = createRunHistory()
  history.learn(1, runMs)
  const running = new Map<InferThread, RunUnderWay<PoolJob>>(
    busy.map((thread, index) => [thread, { key: 'model', startMs: performance.now(), expectedMs: 100 - index }]),
  )
  const freeThreads = new Set(free)
  const started: (readonly PoolJob[])[] = []
  const dispatch = createDispatch({
    queue,
    threads: {
      free: freeThreads,
      stuck: new Map(),
      started: Promise.resolve(),
      take: (thread) => freeThreads.delete(thread),
      giveBack: () => {},
      giveUp: () => {},
      forget: () => {},
      end: async () => {},
    },
    execution: { running, start: (_, __, jobs) => started.push(jobs), settled: async () => {} },
    admission: {
      waitMs: () => 0,
      check: () => {},
      isLate: (_, __, deadlineAtMs) => late && deadlineAtMs !== undefined,
    },
    historyOf: () => history,
  })
  return { dispatch, queue, running, started }
}

describe('createDispatch', () => {
  it('starts what waits in free threads, and leaves the rest in the queue', () => {
    const { dispatch, queue, started } = open({ free: [fakeThread(), fakeThread()] })
    const jobs = [job('a'), job('b'), job('c')]
    for (const each of jobs) queue.push(each)
    dispatch.pump()
    expect(started).toEqual([[jobs[0]], [jobs[1]]])
    expect(dispatch.waiting()).toBe(1)
  })

  it('sends the next short run to the busy thread that will be free first, one to each', () => {
    const [later, sooner] = [fakeThread(), fakeThread()]
    const { dispatch, queue } = open({ busy: [later, sooner] })
    queue.push(job())
    dispatch.pump()
    expect([later.sent.length, sooner.sent.length]).toEqual([0, 1])
    queue.push(job())
    queue.push(job())
    dispatch.pump()
    expect([later.sent.length, sooner.sent.length]).toEqual([1, 1])
    expect(queue.waiting()).toBe(1)
    expect(dispatch.waiting()).toBe(3)
  })

  it.each([
    ['of another model', 'other', 10],
    ['that takes over 100 ms', 'model', 101],
  ])('sends no run ahead %s', (_, key, runMs) => {
    const thread = fakeThread()
    const { dispatch, queue } = open({ busy: [thread], runMs })
    queue.push(job(key))
    dispatch.pump()
    expect(thread.sent).toEqual([])
  })

  it('refuses what was sent ahead after ten times as long as expected, unless it has begun', () => {
    for (const begun of [false, true]) {
      const thread = fakeThread()
      const { dispatch, queue, running } = open({ busy: [thread] })
      const one = job()
      queue.push(one)
      dispatch.pump()
      vi.advanceTimersByTime(999)
      expect(one.reject).not.toHaveBeenCalled()
      thread.begun = begun
      vi.advanceTimersByTime(1)
      expect(one.reject).toHaveBeenCalledTimes(begun ? 0 : 1)
      expect(running.get(thread)?.ahead).toBe(begun ? one : undefined)
    }
  })

  it('refuses what would be late, and goes on with the next', () => {
    const { dispatch, queue, started } = open({ free: [fakeThread()], late: true })
    const [late, other] = [job('model', 5), job()]
    queue.push(late)
    queue.push(other)
    dispatch.pump()
    expect(late.reject).toHaveBeenCalledWith(expect.objectContaining({ code: 'cloud-overloaded' }))
    expect(started).toEqual([[other]])
  })

  it('sends another one ahead in place of one that was taken back', () => {
    const thread = fakeThread()
    const { dispatch, queue, running } = open({ busy: [thread] })
    const [one, other] = [job(), job()]
    queue.push(one)
    queue.push(other)
    dispatch.pump()
    expect(dispatch.withdraw(one)).toBe(true)
    expect(running.get(thread)?.ahead).toBe(other)
    thread.begun = true
    expect(dispatch.withdraw(other)).toBe(false)
  })
})
