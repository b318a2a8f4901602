import { createServiceTimes, type ServiceTimes } from '../engine/service-times.ts'
import { type BatchPolicy, createBatchPolicy } from './batch-policy.ts'

/** What the pool has learned from the runs of one model. */
export interface RunHistory {
  /** Time that a request takes of a thread, its share of a joined run. */
  readonly service: ServiceTimes
  /** Time of whole runs, joined or not. */
  readonly run: ServiceTimes
  readonly policy: BatchPolicy
  /** When a run last ended, on the clock of `performance.now()`; minus infinity before the first. */
  readonly learnedAtMs: number
  learn(size: number, threadMs: number): void
}

export function createRunHistory({ maxBatch = 1 }: { readonly maxBatch?: number } = {}): RunHistory {
  const service = createServiceTimes()
  const policy = createBatchPolicy(maxBatch)
  const run = createServiceTimes()
  let learnedAtMs = Number.NEGATIVE_INFINITY
  return {
    service,
    policy,
    run,
    get learnedAtMs() {
      return learnedAtMs
    },
    learn(size, threadMs) {
      learnedAtMs = performance.now()
      run.add(threadMs)
      for (let count = 0; count < size; count += 1) service.add(threadMs / size)
      policy.learn(size, threadMs)
    },
  }
}
