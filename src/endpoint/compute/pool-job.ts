import type { TensorMap } from '../../contracts/tensor.ts'
import { tensorBuffers } from '../../utils/tensor-buffers.ts'
import type { EngineResult } from '../engine/infer-engine.ts'
import { requestBatching } from './batch-tensors.ts'
import type { PoolTask } from './pool-task.ts'
import { overloaded, type QueuedWork } from './work-queue.ts'

/** A task in the pool, from its arrival to its result. */
export interface PoolJob extends QueuedWork {
  readonly task: PoolTask
  /** Jobs of one model with the same kind can be joined, unless one of them has no `rows`. */
  readonly kind: string
  readonly rows: number | undefined
  /** When it arrived, on the clock of `performance.now()`. */
  readonly startMs: number
  /** Once it was sent ahead: refuses it when the run before it takes too long. */
  patience?: NodeJS.Timeout
  resolve(result: EngineResult): void
  reject(error: unknown): void
}

/**
 * Makes a job of a task. It is refused when it has waited for `maxWaitMs` or past its deadline, and rejected with the
 * signal's reason when that aborts. Call it right before the job is queued.
 *
 * @param options.withdraw takes the job out of whatever it waits in; false when it has begun
 */
export function openJob(
  task: PoolTask,
  options: {
    readonly signal: AbortSignal
    readonly maxWaitMs: number
    readonly withdraw: (job: PoolJob) => boolean
  },
): { readonly job: PoolJob; readonly result: Promise<EngineResult> } {
  const { signal, maxWaitMs, withdraw } = options
  const { model, inputs, deadlineAtMs = Number.POSITIVE_INFINITY } = task
  const startMs = performance.now()
  let settle: Pick<PoolJob, 'resolve' | 'reject'> | undefined
  const result = new Promise<EngineResult>((resolve, reject) => {
    settle = { resolve, reject }
  })
  const abort = () => {
    withdraw(job)
    job.reject(signal.reason)
  }
  // A run that has begun goes on.
  const timer = setTimeout(() => withdraw(job) && job.reject(overloaded()), Math.min(maxWaitMs, deadlineAtMs - startMs))
  const stopWaiting = () => {
    clearTimeout(timer)
    clearTimeout(job.patience)
    signal.removeEventListener('abort', abort)
  }
  const job: PoolJob = {
    task,
    key: model.key,
    bytes: tensorBuffers(inputs).reduce((sum, { byteLength }) => sum + byteLength, textBytes(inputs)),
    ...requestBatching(task),
    startMs,
    resolve(value) {
      stopWaiting()
      settle?.resolve(value)
    },
    reject(error) {
      stopWaiting()
      settle?.reject(error)
    },
  }
  signal.addEventListener('abort', abort, { once: true })
  return { job, result }
}

/** Two bytes for each unit of text. */
function textBytes(inputs: TensorMap): number {
  let sum = 0
  for (const { data } of Object.values(inputs)) {
    if (!ArrayBuffer.isView(data)) for (const text of data) sum += 2 * text.length
  }
  return sum
}
