import { CloudError } from '../../errors/cloud-error.ts'
import { createAdmission, type RunUnderWay } from './admission.ts'
import type { InferThread } from './infer-thread.ts'
import { watchLoopDelay } from './loop-delay.ts'
import type { PoolModel, PoolResult, PoolTask } from './pool-task.ts'
import { createRunner } from './run-batch.ts'
import { createRunHistory, type RunHistory } from './run-history.ts'
import { tensorBuffers } from './tensor-buffers.ts'
import { createThreadSupervisor } from './thread-supervisor.ts'
import { createWorkQueue, overloaded, type QueuedWork } from './work-queue.ts'

export interface InferPool {
  /**
   * Runs a model in a worker thread. The inputs' memory is given away.
   *
   * @throws {CloudError} `cloud-overloaded`: no room, or it can't be ready by its deadline; `cloud-timeout` for a run
   *   that took too long, `cloud-failed` for one that failed
   * @throws the signal's reason when it aborts; a run under way goes to its end, unheard
   */
  run(task: PoolTask, signal: AbortSignal): Promise<PoolResult>
  /** Would a request be taken now? @throws {CloudError} `cloud-overloaded` */
  admit(key: string, deadlineAtMs: number | undefined): void
  /** Lets go of a model's sessions. What waits for it is still run. */
  forget(key: string): void
  /** What is known of a model's runs. */
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

interface Job extends QueuedWork {
  readonly task: PoolTask
  readonly kind: string
  readonly rows: number | undefined
  readonly startMs: number
  /** Ends the wait of one that was sent ahead. */
  patience?: NodeJS.Timeout
  resolve(result: PoolResult): void
  reject(error: unknown): void
}

/** Runs of one model that may hang at a time; further ones are refused, or one bad graph would take every core. */
const maxStuckOfModel = 2

/** Milliseconds of a model's runs, at the 95th percentile, up to which the next one is sent ahead. */
const aheadWithinMs = 100

/** Milliseconds that one waits that was sent ahead; the run before it has then taken ten times what was known of it. */
const aheadPatienceMs = 10 * aheadWithinMs

/**
 * Runs models in worker threads, one run at a time in each: a run blocks its thread's event loop. What waits for a
 * thread is bounded in number, memory and time; requests of one model that wait together are joined where that pays.
 *
 * Where they are not joined and runs are short, a thread is sent its next run while it is at one: it would otherwise
 * stand still for a millisecond until it is told, and its caches go cold. Such a request can still be taken back. Its
 * inputs are in the thread then, so it can't go to another: only one that would follow a run of its own model is sent.
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
  /** Told of failures whose cause a client is not told. */
  readonly onFault: (error: unknown, key?: string) => void
}): InferPool {
  const { workers, workerUrl, runLimitMs, maxQueue, maxQueueBytes, maxWaitMs, onFault } = options
  const queue = createWorkQueue<Job>({ maxWaiting: maxQueue, maxWaitingBytes: maxQueueBytes })
  const running = new Map<InferThread, RunUnderWay<Job>>()
  const loads = new Map<string, RunHistory>()
  const retired = new Set<string>()
  const underWay = new Set<Promise<unknown>>()
  const executions = new Set<Promise<void>>()
  let closing: Promise<void> | undefined

  const historyOf = (key: string, model?: PoolModel): RunHistory => {
    const known = loads.get(key)
    if (known !== undefined) return known
    const fresh = createRunHistory(model)
    if (model !== undefined) loads.set(key, fresh)
    return fresh
  }

  const threads = createThreadSupervisor({ workers, workerUrl, onFault, onFree: () => pump() })
  const runner = createRunner({ runLimitMs, onFault, giveUp: threads.giveUp })
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

  const admit = (key: string, deadlineAtMs: number | undefined) => {
    if (closing !== undefined) throw new CloudError('cloud-overloaded', 'The endpoint is closing.')
    if ([...threads.stuck.values()].filter((each) => each === key).length >= maxStuckOfModel) {
      throw new CloudError('cloud-overloaded', 'Earlier runs of this model have not ended yet; try again later.')
    }
    queue.check(key, 0)
    admission.check(key, deadlineAtMs)
  }

  /** Refuses the first that waits for a model if it can't be ready by its deadline when it starts then. */
  const refuseLate = (key: string, startMs: number): boolean => {
    const first = queue.first(key)
    if (first === undefined || !admission.isLate(key, startMs, first.task.deadlineAtMs)) return false
    queue.remove(first)
    first.reject(overloaded())
    return true
  }

  const pump = () => {
    for (;;) {
      const [thread] = threads.free
      const key = queue.pick()
      if (key === undefined) return
      if (thread === undefined) {
        if (sendAhead(key)) continue
        return
      }
      if (refuseLate(key, performance.now())) continue
      const history = historyOf(key)
      // Spread over the threads that are free before anything is joined.
      const size = history.policy.sizeFor(Math.ceil(queue.waiting(key) / threads.free.size))
      let rows = 0
      const jobs = queue.take(key, size, (first, other) => {
        rows = Math.max(rows, first.rows ?? 0) + (other.rows ?? 0)
        const joinable = first.rows !== undefined && other.rows !== undefined && first.kind === other.kind
        return joinable && rows <= (first.task.model.maxBatch ?? 1)
      })
      threads.take(thread)
      start(thread, key, jobs)
    }
  }

  /** Sends a model's first to the thread that will be free the soonest; false when there is none that may have it. */
  const sendAhead = (key: string): boolean => {
    const next = queue.first(key)?.task.model
    const { p95Ms = Number.POSITIVE_INFINITY } = historyOf(key).run
    if (next === undefined || (next.maxBatch ?? 1) > 1 || p95Ms > aheadWithinMs) return false
    let soonest: { readonly thread: InferThread; readonly run: RunUnderWay<Job>; readonly endMs: number } | undefined
    for (const [thread, run] of running) {
      const endMs = run.startMs + run.expectedMs
      const may = run.key === key && run.ahead === undefined && thread.alive && !threads.stuck.has(thread)
      if (may && endMs < (soonest?.endMs ?? Infinity)) soonest = { thread, run, endMs }
    }
    if (soonest === undefined) return false
    const { thread, run, endMs } = soonest
    if (refuseLate(key, Math.max(performance.now(), endMs))) return true
    const [job] = queue.take(key, 1, () => false)
    if (job === undefined) return false
    run.ahead = job
    const { model, inputs, outputs } = job.task
    thread.sendAhead({ key, inputs, wire: model.wire, outputs }, model.shared).catch(() => {})
    job.patience = setTimeout(() => withdraw(job) && job.reject(overloaded()), aheadPatienceMs)
    return true
  }

  /** Takes a request out of whatever it waits in; false when it has begun. */
  const withdraw = (job: Job): boolean => {
    if (queue.remove(job)) return true
    for (const [thread, run] of running) {
      if (run.ahead !== job || !thread.takeBack()) continue
      run.ahead = undefined
      pump()
      return true
    }
    return false
  }

  /** Not before its last run: a thread asked once more would make the session again, and keep it for ever. */
  const letGo = (key: string) => {
    if (queue.waiting(key) > 0 || [...running.values()].some((each) => each.key === key)) return
    retired.delete(key)
    loads.delete(key)
    threads.forget(key)
  }

  const start = (thread: InferThread, key: string, jobs: readonly Job[]) => {
    const history = historyOf(key)
    const run = { key, startMs: performance.now(), expectedMs: jobs.length * (history.service.meanMs ?? 0) }
    running.set(thread, run)
    const execution = execute(thread, run, jobs, history).finally(() => executions.delete(execution))
    executions.add(execution)
  }

  const execute = async (thread: InferThread, run: RunUnderWay<Job>, jobs: readonly Job[], history: RunHistory) => {
    const { key, startMs } = run
    for (const { patience } of jobs) clearTimeout(patience)
    const tasks = jobs.map(({ task }) => task)
    const outcomes = await runner.run(thread, tasks, history)
    const endMs = performance.now()
    queue.charge(key, endMs - startMs)
    running.delete(thread)
    const { ahead } = run
    if (ahead === undefined) threads.giveBack(thread)
    // Given up or dead, the thread may not have come to it, and then never will.
    else if ((threads.stuck.has(thread) || !thread.alive) && thread.takeBack()) ahead.reject(overloaded())
    else start(thread, key, [ahead])
    outcomes.forEach((outcome, index) => {
      const job = jobs[index]
      if (job === undefined) return
      if (outcome.status === 'failed') {
        job.reject(outcome.error)
        return
      }
      const { outputs, loadMs, computeMs } = outcome.result
      const queueMs = Math.max(0, endMs - job.startMs - loadMs - computeMs)
      job.resolve({ outputs, loadMs, computeMs, queueMs, batch: jobs.length })
    })
    if (retired.has(key)) letGo(key)
    pump()
  }

  const wait = (task: PoolTask, signal: AbortSignal) =>
    new Promise<PoolResult>((resolve, reject) => {
      const startMs = performance.now()
      const { model, inputs, outputs, deadlineAtMs = Number.POSITIVE_INFINITY } = task
      const abort = () => {
        withdraw(job)
        job.reject(signal.reason)
      }
      const settle = () => {
        clearTimeout(timer)
        clearTimeout(job.patience)
        signal.removeEventListener('abort', abort)
      }
      const job: Job = {
        task,
        key: model.key,
        bytes: tensorBuffers(inputs).reduce((sum, { byteLength }) => sum + byteLength, 0),
        ...historyOf(model.key, model).describe(inputs, outputs),
        startMs,
        resolve(result) {
          settle()
          resolve(result)
        },
        reject(error) {
          settle()
          reject(error)
        },
      }
      queue.push(job)
      const giveUpMs = Math.min(maxWaitMs, deadlineAtMs - startMs)
      // While it waits, that is: a run that has begun goes on.
      const timer = setTimeout(() => withdraw(job) && job.reject(overloaded()), giveUpMs)
      signal.addEventListener('abort', abort, { once: true })
      pump()
    })

  const close = async () => {
    await Promise.allSettled(underWay)
    // A run whose caller has gone goes on: a thread must not be ended in its midst.
    while (executions.size > 0) await Promise.allSettled(executions)
    await threads.end()
    loopDelay.stop()
  }

  return {
    started: threads.started,
    admit,
    async run(task, signal) {
      signal.throwIfAborted()
      admit(task.model.key, task.deadlineAtMs)
      const run = wait(task, signal)
      underWay.add(run)
      return run.finally(() => underWay.delete(run))
    },
    forget(key) {
      retired.add(key)
      letGo(key)
    },
    history: (key) => historyOf(key),
    waiting(key) {
      const ahead = [...running.values()].filter((run) => run.ahead && (key === undefined || run.key === key))
      return queue.waiting(key) + ahead.length
    },
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
