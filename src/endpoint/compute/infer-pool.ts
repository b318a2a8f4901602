import { CloudError } from '../../errors/cloud-error.ts'
import type { EngineResult } from '../engine/infer-engine.ts'
import { createAdmission } from './admission.ts'
import { createDispatch } from './dispatch.ts'
import { createExecution } from './execution.ts'
import { watchLoopDelay } from './loop-delay.ts'
import { openJob, type PoolJob } from './pool-job.ts'
import type { PoolModel, PoolTask } from './pool-task.ts'
import { createRunner } from './run-batch.ts'
import { createRunHistory, type RunHistory } from './run-history.ts'
import { createThreadSupervisor } from './thread-supervisor.ts'
import { createWorkQueue } from './work-queue.ts'

export interface InferPool {
  /**
   * Runs a model in a worker thread. The inputs' memory is given away.
   *
   * @throws {CloudError} `cloud-overloaded`: no room, or it can't be ready by its deadline; `cloud-timeout` for a run
   *   that took too long, `cloud-failed` for one that failed
   * @throws the signal's reason when it aborts; a run under way goes on, and its result is dropped
   */
  run(task: PoolTask, signal: AbortSignal): Promise<EngineResult>
  /** Would a request be taken now? @throws {CloudError} `cloud-overloaded` */
  admit(key: string, deadlineAtMs: number | undefined): void
  /** Releases a model's sessions once nothing of it waits or runs. */
  forget(key: string): void
  /** What the pool has learned from a model's runs. */
  history(key: string): RunHistory
  waiting(key?: string): number
  /** Milliseconds that one more request would wait: of this model, or of one that is as busy as all. */
  waitMs(key?: string): number
  readonly busy: number
  /** Resolves when a thread is ready; rejects with `worker-unavailable`, a CapabilityError, when none could start. */
  readonly started: Promise<void>
  /** Threads given up whose native run still goes on: nothing but the end of the process stops one. */
  readonly stuckThreads: number
  /** Takes no more runs, waits for those that it has, and ends the threads that are not stuck. Idempotent. */
  close(): Promise<void>
}

/** Runs of one model that may hang at a time; further ones are refused, or one bad graph would take every core. */
const maxStuckOfModel = 2

/**
 * Runs models in worker threads, one run at a time in each: a run blocks its thread's event loop. The queue is bounded
 * in number, memory and time (`admission.ts`, `work-queue.ts`); `dispatch.ts` decides what runs next and where, and
 * `run-batch.ts` joins requests of one model that wait together where that pays.
 *
 * A run that takes longer than `runLimitMs` costs its thread: another takes its place at once, and the thread is ended
 * when the run has come to its end, if it ever does.
 */
export function createInferPool(options: {
  readonly workers: number
  readonly workerUrl: URL
  readonly runLimitMs: number
  /** Requests of one model that may wait. */
  readonly maxQueue: number
  readonly maxQueueBytes: number
  readonly maxWaitMs: number
  /** Called with the cause of failures, which clients are not given. */
  readonly onFault: (error: unknown, key?: string) => void
}): InferPool {
  const { workers, workerUrl, runLimitMs, maxQueue, maxQueueBytes, maxWaitMs, onFault } = options
  const queue = createWorkQueue<PoolJob>({ maxWaiting: maxQueue, maxWaitingBytes: maxQueueBytes })
  const histories = new Map<string, RunHistory>()
  const retired = new Set<string>()
  const underWay = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined

  const historyOf = (key: string, model?: PoolModel): RunHistory => {
    const known = histories.get(key)
    if (known !== undefined) return known
    const fresh = createRunHistory(model)
    if (model !== undefined) histories.set(key, fresh)
    return fresh
  }

  const threads = createThreadSupervisor({ workers, workerUrl, onFault, onFree: () => dispatch.pump() })
  const runner = createRunner({ runLimitMs, onFault, giveUp: threads.giveUp })
  const execution = createExecution({
    queue,
    threads,
    runner,
    historyOf,
    onEnd(key) {
      if (retired.has(key)) release(key)
      dispatch.pump()
    },
  })
  const { running } = execution
  const loopDelay = watchLoopDelay()
  const admission = createAdmission({
    workers,
    maxWaitMs,
    queue,
    historyOf,
    isFree: () => threads.free.size > 0,
    running: () => running.values(),
    loopDelay,
  })
  const dispatch = createDispatch({ queue, threads, execution, admission, historyOf })

  const admit = (key: string, deadlineAtMs: number | undefined) => {
    if (closing !== undefined) throw new CloudError('cloud-overloaded', 'The endpoint is closing.')
    if ([...threads.stuck.values()].filter((each) => each === key).length >= maxStuckOfModel) {
      throw new CloudError('cloud-overloaded', 'Earlier runs of this model have not ended yet; try again later.')
    }
    queue.check(key, 0)
    admission.check(key, deadlineAtMs)
  }

  /** Only when no run of the key is queued or under way: a later run would make the session again and leak it. */
  const release = (key: string) => {
    if (queue.waiting(key) > 0 || [...running.values()].some((each) => each.key === key)) return
    retired.delete(key)
    histories.delete(key)
    threads.forget(key)
  }

  const enqueue = (task: PoolTask, signal: AbortSignal): Promise<EngineResult> => {
    historyOf(task.model.key, task.model)
    const { job, result } = openJob(task, { signal, maxWaitMs, withdraw: dispatch.withdraw })
    try {
      queue.push(job)
    } catch (error) {
      job.reject(error)
    }
    dispatch.pump()
    return result
  }

  const close = async () => {
    await Promise.allSettled(underWay)
    // A run whose caller has gone goes on, and its thread must not be ended during it.
    await execution.settled()
    await threads.end()
    loopDelay.stop()
  }

  return {
    started: threads.started,
    admit,
    async run(task, signal) {
      signal.throwIfAborted()
      admit(task.model.key, task.deadlineAtMs)
      const run = enqueue(task, signal)
      underWay.add(run)
      return run.finally(() => underWay.delete(run))
    },
    forget(key) {
      retired.add(key)
      release(key)
    },
    history: (key) => historyOf(key),
    waiting: dispatch.waiting,
    waitMs: admission.waitMs,
    get busy() {
      return running.size
    },
    get stuckThreads() {
      return threads.stuck.size
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}
