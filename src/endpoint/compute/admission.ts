import type { LoopDelay } from './loop-delay.ts'
import type { RunHistory } from './run-history.ts'
import { overloaded, type QueuedWork, type WorkQueue } from './work-queue.ts'

/** A run in a thread, and the one that was sent ahead to follow it. */
export interface RunUnderWay<T extends QueuedWork> {
  readonly key: string
  /** On the clock of `performance.now()`. */
  readonly startMs: number
  readonly expectedMs: number
  ahead?: T | undefined
}

/** Foretells waiting, and refuses what would wait in vain. */
export interface Admission {
  /** Milliseconds that one more request would wait: of this model, or of one that is as busy as all. */
  waitMs(key?: string): number
  /** @throws {CloudError} `cloud-overloaded`: it would wait too long, or can't be ready by its deadline */
  check(key: string, deadlineAtMs: number | undefined): void
  /**
   * Is a run of this model that starts then likely to be answered after its deadline? Likely is one in twenty, or, where
   * a thread would do nothing otherwise, one in two. A thread that does nothing tries a model whose last run is old.
   */
  isLate(key: string, startMs: number, deadlineAtMs: number | undefined): boolean
}

/** Milliseconds after which a model's last run says little of the next one. */
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

  /** Work that stands before one more request of this model: turns are shared, so others count up to its own share. */
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

  /** A request that comes too late is work for nothing, and makes the next one late as well. */
  const isLate = (key: string, startMs: number, deadlineAtMs: number | undefined) => {
    if (deadlineAtMs === undefined) return false
    const { run, learnedAtMs } = historyOf(key)
    const idle = isFree()
    // Refused for what was once seen, a model would never be seen to be quick again.
    if (idle && performance.now() - learnedAtMs > staleMs) return false
    return startMs + ((idle ? run.meanMs : run.p95Ms) ?? 0) + loopDelay.ms > deadlineAtMs
  }

  return {
    waitMs,
    isLate,
    check(key, deadlineAtMs) {
      const wait = waitMs(key)
      // It has waited to be heard of, too.
      const startMs = performance.now() + loopDelay.ms + wait
      if (wait > maxWaitMs || isLate(key, startMs, deadlineAtMs)) throw overloaded(wait)
    },
  }
}
