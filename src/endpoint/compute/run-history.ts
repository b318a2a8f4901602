import type { TensorMap } from '../../contracts/tensor.ts'
import { type BatchPolicy, createBatchPolicy } from './batch-policy.ts'
import { batchKind, rowsOf } from './batch-tensors.ts'
import { createServiceTimes, type ServiceTimes } from './service-times.ts'

/** What the pool has learned of one model. */
export interface RunHistory {
  /** Time that a request takes of a thread, its share of a joined run. */
  readonly service: ServiceTimes
  /** Time of whole runs, joined or not. */
  readonly run: ServiceTimes
  readonly policy: BatchPolicy
  /** When a run last ended, on the clock of `performance.now()`; minus infinity before the first. */
  readonly learnedAtMs: number
  learn(size: number, threadMs: number): void
  /** How a request may be joined with others. */
  describe(inputs: TensorMap, outputs: readonly string[]): { readonly kind: string; readonly rows: number | undefined }
}

export function createRunHistory(model: { readonly maxBatch?: number } = {}): RunHistory {
  const { maxBatch = 1 } = model
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
    describe(inputs, outputs) {
      if (maxBatch === 1) return { kind: '', rows: undefined }
      return { kind: `${batchKind(inputs)}>${outputs.join()}`, rows: rowsOf(inputs) }
    },
  }
}
