import type { WireForm } from '../contracts/preprocessing.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { createModelLoad, type ModelLoad } from './compute/model-load.ts'
import { createRunner } from './compute/run-batch.ts'
import { createWorkQueue, overloaded, type QueuedWork } from './compute/work-queue.ts'
import type { SharedGraph } from './infer-task.ts'
import { type InferThread, openInferThread } from './infer-thread.ts'
import { tensorBuffers } from './tensor-buffers.ts'

/** A model that the pool can run. */
export interface PoolModel {
  /** Names its sessions; the same key always means the same graph. */
  readonly key: string
  readonly shared: SharedGraph
  /** Forms in which inputs may have come. */
  readonly wire?: readonly WireForm[] | undefined
  /** Most rows of a joined run; 1 where requests can't be joined. Default 1. */
  readonly maxBatch?: number
  /** Difference of two answers that counts as rounding. Default 0. */
  readonly tolerance?: number
}

export interface PoolTask {
  readonly model: PoolModel
  readonly inputs: TensorMap
  readonly outputs: readonly string[]
  /** On the clock of `performance.now()`. */
  readonly deadlineAtMs?: number | undefined
}

export interface PoolResult {
  readonly outputs: TensorMap
  /** From asking to the run's start in a thread, without the making of a session. */
  readonly queueMs: number
  readonly loadMs: number
  readonly computeMs: number
  /** Requests in the same run, this one included. */
  readonly batch: number
}

export interface InferPool {
  /**
   * Runs a model in a worker thread. The inputs' memory is given away.
   *
   * @throws {CloudError} `cloud-overloaded`: no room, or it can't be ready by its deadline; `cloud-timeout` for a run
   *   that took too long, `cloud-failed` for one that failed
   * @throws the signal's reason when it aborts before the run has started; a run under way goes to its end, unheard
   */
  run(task: PoolTask, signal: AbortSignal): Promise<PoolResult>
  /** Would a request be taken now? @throws {CloudError} `cloud-overloaded` */
  admit(key: string, deadlineAtMs: number | undefined): void
  /** Lets go of a model's sessions. What waits for it is still run. */
  forget(key: string): void
  /** What is known of a model's runs. */
  load(key: string): ModelLoad
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
  resolve(result: PoolResult): void
  reject(error: unknown): void
}

/** Runs of one model that may hang at a time; further ones are refused, or one bad graph would take every core. */
const maxStuckOfModel = 2

/** Milliseconds before a thread that could not start is tried again. */
const restartMs = 1000

/**
 * Runs models in worker threads, one run at a time in each: a run blocks its thread's event loop. What waits for a
 * thread is bounded in number, memory and time; requests of one model that wait together are joined where that pays.
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
  const threads = new Set<InferThread>()
  const free = new Set<InferThread>()
  const running = new Map<
    InferThread,
    { readonly key: string; readonly startMs: number; readonly expectedMs: number }
  >()
  const stuck = new Map<InferThread, string>()
  const loads = new Map<string, ModelLoad>()
  const retired = new Set<string>()
  const underWay = new Set<Promise<unknown>>()
  const executions = new Set<Promise<void>>()
  let closing: Promise<void> | undefined
  let ended = false
  let failed = 0
  let settleStarted: { resolve: () => void; reject: (error: Error) => void } | undefined
  const started = new Promise<void>((resolve, reject) => {
    settleStarted = { resolve, reject }
  })
  started.catch(() => {})

  const loadOf = (key: string, model?: PoolModel): ModelLoad => {
    const known = loads.get(key)
    if (known !== undefined) return known
    const fresh = createModelLoad(model)
    if (model !== undefined) loads.set(key, fresh)
    return fresh
  }

  const addThread = () => {
    if (ended) return
    const thread = openInferThread(workerUrl)
    threads.add(thread)
    let works = false
    thread.ready.then(
      () => {
        works = true
        settleStarted?.resolve()
        offer(thread)
      },
      (cause: unknown) => {
        onFault(cause)
        failed += 1
        const sentence = 'The threads that run models can not start; is onnxruntime-node installed for this system?'
        if (failed >= workers) settleStarted?.reject(new CapabilityError('worker-unavailable', sentence, { cause }))
      },
    )
    void thread.gone.then(() => {
      free.delete(thread)
      const wasStuck = stuck.delete(thread)
      threads.delete(thread)
      // One that was stuck has its successor already.
      if (!wasStuck) setTimeout(addThread, works ? 0 : restartMs).unref()
    })
  }
  const offer = (thread: InferThread) => {
    if (!thread.alive) return
    free.add(thread)
    pump()
  }

  const runner = createRunner({
    runLimitMs,
    onFault,
    giveUp(thread, key, run) {
      stuck.set(thread, key)
      addThread()
      void run.catch(() => {}).then(() => thread.end())
    },
  })

  /** Work that stands before one more request of this model: turns are shared, so others count up to its own share. */
  const waitMs = (key?: string): number => {
    if (free.size > 0) return 0
    const nowMs = performance.now()
    const workOf = (each: string) => queue.waiting(each) * (loadOf(each).service.meanMs ?? 0)
    const own = key === undefined ? Number.POSITIVE_INFINITY : workOf(key) + (loadOf(key).service.meanMs ?? 0)
    let sum = 0
    for (const each of queue.keys()) sum += each === key ? workOf(each) : Math.min(workOf(each), own)
    for (const { startMs, expectedMs } of running.values()) sum += Math.max(0, startMs + expectedMs - nowMs)
    return sum / workers
  }

  /** A request that comes too late is work for nothing, and makes the next one late as well. */
  const refuseLate = (key: string, deadlineAtMs: number | undefined) => {
    const wait = waitMs(key)
    if (wait > maxWaitMs) throw overloaded(wait)
    if (deadlineAtMs === undefined) return
    const doneMs = performance.now() + wait + (loadOf(key).run.p95Ms ?? 0)
    if (doneMs > deadlineAtMs) throw overloaded(wait)
  }

  const admit = (key: string, deadlineAtMs: number | undefined) => {
    if (closing !== undefined) throw new CloudError('cloud-overloaded', 'The endpoint is closing.')
    if ([...stuck.values()].filter((each) => each === key).length >= maxStuckOfModel) {
      throw new CloudError('cloud-overloaded', 'Earlier runs of this model have not ended yet; try again later.')
    }
    queue.check(key, 0)
    refuseLate(key, deadlineAtMs)
  }

  const pump = () => {
    for (;;) {
      const [thread] = free
      const key = thread === undefined ? undefined : queue.pick()
      if (thread === undefined || key === undefined) return
      const load = loadOf(key)
      const first = queue.first(key)
      if (first !== undefined && performance.now() + (load.run.meanMs ?? 0) > (first.task.deadlineAtMs ?? Infinity)) {
        queue.remove(first)
        first.reject(overloaded())
        continue
      }
      // Spread over the threads that are free before anything is joined.
      const size = load.policy.sizeFor(Math.ceil(queue.waiting(key) / free.size))
      let rows = 0
      const jobs = queue.take(key, size, (first, other) => {
        rows = Math.max(rows, first.rows ?? 0) + (other.rows ?? 0)
        const joinable = first.rows !== undefined && other.rows !== undefined && first.kind === other.kind
        return joinable && rows <= (first.task.model.maxBatch ?? 1)
      })
      free.delete(thread)
      running.set(thread, { key, startMs: performance.now(), expectedMs: jobs.length * (load.service.meanMs ?? 0) })
      const execution = execute(thread, key, jobs, load).finally(() => executions.delete(execution))
      executions.add(execution)
    }
  }

  /** Not before its last run: a thread asked once more would make the session again, and keep it for ever. */
  const letGo = (key: string) => {
    if (queue.waiting(key) > 0 || [...running.values()].some((each) => each.key === key)) return
    retired.delete(key)
    loads.delete(key)
    for (const thread of threads) thread.forget(key)
  }

  const execute = async (thread: InferThread, key: string, jobs: readonly Job[], load: ModelLoad) => {
    const startMs = performance.now()
    const outcomes = await runner.run(
      thread,
      jobs.map(({ task }) => task),
      load,
    )
    const endMs = performance.now()
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
    queue.charge(key, endMs - startMs)
    running.delete(thread)
    if (retired.has(key)) letGo(key)
    if (!stuck.has(thread)) offer(thread)
  }

  const wait = (task: PoolTask, signal: AbortSignal) =>
    new Promise<PoolResult>((resolve, reject) => {
      const startMs = performance.now()
      const { model, inputs, outputs, deadlineAtMs = Number.POSITIVE_INFINITY } = task
      const abort = () => drop(signal.reason)
      const settle = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
      }
      const job: Job = {
        task,
        key: model.key,
        bytes: tensorBuffers(inputs).reduce((sum, { byteLength }) => sum + byteLength, 0),
        ...loadOf(model.key, model).describe(inputs, outputs),
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
      const drop = (reason: unknown) => {
        queue.remove(job)
        job.reject(reason)
      }
      queue.push(job)
      const giveUpMs = Math.min(maxWaitMs, deadlineAtMs - startMs)
      // In the queue, that is: `remove` finds nothing once the run has started, which then goes on.
      const timer = setTimeout(() => queue.has(job) && drop(overloaded()), giveUpMs)
      signal.addEventListener('abort', abort, { once: true })
      pump()
    })

  const close = async () => {
    await Promise.allSettled(underWay)
    // A run whose caller has gone goes on: a thread must not be ended in its midst.
    await Promise.allSettled(executions)
    ended = true
    // Loading native code is no moment to be ended in either.
    await Promise.allSettled([...threads].map(({ ready }) => ready))
    await Promise.all([...threads].filter((thread) => !stuck.has(thread)).map((thread) => thread.end()))
  }

  for (let count = 0; count < workers; count += 1) addThread()

  return {
    started,
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
    load: (key) => loadOf(key),
    waiting: (key) => queue.waiting(key),
    waitMs,
    get busy() {
      return running.size
    },
    get stuckThreads() {
      return stuck.size
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}
