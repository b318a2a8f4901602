import type { LoopDelay } from './loop-delay.ts'
import type { RunHistory } from './run-history.ts'
import { overloaded, type QueuedWork, type WorkQueue } from './work-queue.ts'

/** A run in a thread, and the request that was sent ahead to follow it. */
export interface RunUnderWay<T extends QueuedWork> {
  readonly key: string
  /** On the clock of `performance.now()`. */
  readonly startMs: number
  readonly expectedMs: number
  ahead?: T | undefined
}

/** Predicts waiting times, and refuses requests that would miss their deadline or wait too long. */
export interface Admission {
  /** Milliseconds that one more request would wait: of this model, or of one that is as busy as all. */
  waitMs(key?: string): number
  /** @throws {CloudError} `cloud-overloaded`: it would wait too long, or can't be ready by its deadline */
  check(key: string, deadlineAtMs: number | undefined): void
  /**
   * Would a run of this model that starts at `startMs` probably miss its deadline? With all threads busy, the 95th
   * percentile of its runs decides; with a free thread, the mean. A free thread also tries a model whose last run is old.
   */
  isLate(key: string, startMs: number, deadlineAtMs: number | undefined): boolean
}

/** Milliseconds after which a model's last run says little about the next one. */
const staleMs = 10_000

export function createAdmission<T extends QueuedWork>(options: {
  readonly workers: number
  readonly maxWaitMs: number
  readonly queue: WorkQueue<T>
  readonly historyOf: (key: string) => RunHistory
  readonly isFree: () => boolean
  readonly running: () => Iterable<RunUnderWay<T>>
  readonly loopDelay: LoopDelay
}): Admission {
  const { workers, maxWaitMs, queue, historyOf, isFree, running, loopDelay } = options
  const timeOf = (key: string) => historyOf(key).service.meanMs ?? 0

  /** Work before one more request of this model. Turns are shared fairly, so another model counts up to this one's share. */
  const waitMs = (key?: string): number => {
    if (isFree()) return 0
    const nowMs = performance.now()
    const workOf = (each: string) => queue.waiting(each) * timeOf(each)
    const own = key === undefined ? Number.POSITIVE_INFINITY : workOf(key) + timeOf(key)
    let sum = 0
    for (const each of queue.keys()) sum += each === key ? workOf(each) : Math.min(workOf(each), own)
    for (const { startMs, expectedMs, ahead } of running()) {
      sum += Math.max(0, startMs + expectedMs - nowMs) + (ahead === undefined ? 0 : timeOf(ahead.key))
    }
    return sum / workers
  }

  /** Running a request that misses its deadline anyway makes the next one late as well. */
  const isLate = (key: string, startMs: number, deadlineAtMs: number | undefined) => {
    if (deadlineAtMs === undefined) return false
    const { run, learnedAtMs } = historyOf(key)
    const idle = isFree()
    // A model that was slow once must be run again to be seen to be quick.
    if (idle && performance.now() - learnedAtMs > staleMs) return false
    return startMs + ((idle ? run.meanMs : run.p95Ms) ?? 0) + loopDelay.ms > deadlineAtMs
  }

  return {
    waitMs,
    isLate,
    check(key, deadlineAtMs) {
      const wait = waitMs(key)
      // The request has already waited for this event loop.
      const startMs = performance.now() + loopDelay.ms + wait
      if (wait > maxWaitMs || isLate(key, startMs, deadlineAtMs)) throw overloaded(wait)
    },
  }
}
