import type { TensorMap } from '../contracts/tensor.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { CloudError } from '../errors/cloud-error.ts'
import { createBoundedQueue } from './bounded-queue.ts'
import type { InferTask, InferTaskResult, InferWorkerData } from './infer-task.ts'
import { type InferThread, openInferThread } from './infer-thread.ts'
import { tensorBuffers } from './tensor-buffers.ts'

export interface PoolResult {
  readonly outputs: TensorMap
  /** From asking to the run's start in a thread, without the making of a session. */
  readonly queueMs: number
  readonly loadMs: number
  readonly computeMs: number
}

export interface InferPool {
  /**
   * Runs a model in a worker thread. The inputs' memory is given away.
   *
   * @throws {CloudError} `cloud-overloaded`, `cloud-timeout` for a run that took too long, `cloud-failed` for one that failed
   * @throws the signal's reason when it aborts before the run has started; a run under way goes to its end, unheard
   */
  run(task: InferTask, signal: AbortSignal): Promise<PoolResult>
  /** Resolves when a thread is ready; rejects with `worker-unavailable`, a CapabilityError, when none could start. */
  readonly started: Promise<void>
  /** Threads given up whose native run still goes on: nothing but the end of the process stops one. */
  readonly stuckThreads: number
  /** Takes no more runs, waits for those that it has, and ends the threads that are not stuck. Idempotent. */
  close(): Promise<void>
}

/** Runs of one model that may hang at a time; further ones are refused, or one bad graph would take every core. */
const maxStuckOfModel = 2

/** Milliseconds before a thread that could not start is tried again. */
const restartMs = 1000

/**
 * Runs models in worker threads, one at a time in each: a run blocks its thread's event loop.
 *
 * A run that takes longer than `runLimitMs` costs its thread: another takes its place at once, and the thread is ended
 * when the run has come to its end, if it ever does.
 */
export function createInferPool(options: {
  readonly graphs: InferWorkerData['graphs']
  readonly workers: number
  readonly workerUrl: URL
  readonly runLimitMs: number
  readonly maxQueue: number
  readonly maxQueueBytes: number
  readonly maxWaitMs: number
  /** Told of failures whose cause a client is not told. */
  readonly onFault: (error: unknown, key?: string) => void
}): InferPool {
  const { graphs, workers, workerUrl, runLimitMs, maxQueue, maxQueueBytes, maxWaitMs, onFault } = options
  const queue = createBoundedQueue<InferThread>({ maxWaiting: maxQueue, maxWaitingBytes: maxQueueBytes, maxWaitMs })
  const threads = new Set<InferThread>()
  const stuck = new Map<InferThread, string>()
  const underWay = new Set<Promise<unknown>>()
  let closing: Promise<void> | undefined
  let ended = false
  let failed = 0
  let settleStarted: { resolve: () => void; reject: (error: Error) => void } | undefined
  const started = new Promise<void>((resolve, reject) => {
    settleStarted = { resolve, reject }
  })
  started.catch(() => {})

  const addThread = () => {
    if (ended) return
    const thread = openInferThread(workerUrl, { graphs })
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
      queue.withdraw(thread)
      const wasStuck = stuck.delete(thread)
      threads.delete(thread)
      // One that was stuck has its successor already.
      if (!wasStuck) setTimeout(addThread, works ? 0 : restartMs).unref()
    })
  }
  const offer = (thread: InferThread) => {
    if (thread.alive) queue.give(thread)
  }

  const runIn = async (thread: InferThread, task: InferTask): Promise<InferTaskResult> => {
    const run = thread.run(task)
    let timer: NodeJS.Timeout | undefined
    const overrun = new Promise<'overrun'>((resolve) => {
      timer = setTimeout(() => resolve('overrun'), runLimitMs)
    })
    try {
      const outcome = await Promise.race([run, overrun])
      if (outcome !== 'overrun') return outcome
    } catch (cause) {
      onFault(cause, task.key)
      throw new CloudError('cloud-failed', 'The model failed on these inputs.', { cause })
    } finally {
      clearTimeout(timer)
    }
    stuck.set(thread, task.key)
    addThread()
    void run.catch(() => {}).then(() => thread.end())
    const error = new CloudError(
      'cloud-timeout',
      `The run took longer than ${runLimitMs / 1000} seconds and was given up.`,
    )
    onFault(error, task.key)
    throw error
  }

  const close = async () => {
    await Promise.allSettled(underWay)
    ended = true
    // Loading native code is no moment to be ended in either.
    await Promise.allSettled([...threads].map(({ ready }) => ready))
    await Promise.all([...threads].filter((thread) => !stuck.has(thread)).map((thread) => thread.end()))
  }

  for (let count = 0; count < workers; count += 1) addThread()

  const runOne = async (task: InferTask, signal: AbortSignal): Promise<PoolResult> => {
    const startMs = performance.now()
    const bytes = tensorBuffers(task.inputs).reduce((sum, { byteLength }) => sum + byteLength, 0)
    const thread = await queue.take(bytes, signal)
    try {
      const { outputs, loadMs, computeMs } = await runIn(thread, task)
      return { outputs, loadMs, computeMs, queueMs: Math.max(0, performance.now() - startMs - loadMs - computeMs) }
    } finally {
      if (!stuck.has(thread)) offer(thread)
    }
  }

  return {
    started,
    async run(task, signal) {
      if (closing !== undefined) throw new CloudError('cloud-overloaded', 'The endpoint is closing.')
      if ([...stuck.values()].filter((key) => key === task.key).length >= maxStuckOfModel) {
        throw new CloudError('cloud-overloaded', 'Earlier runs of this model have not ended yet; try again later.')
      }
      const run = runOne(task, signal)
      underWay.add(run)
      return run.finally(() => underWay.delete(run))
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
