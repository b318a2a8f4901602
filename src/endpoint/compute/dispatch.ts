import type { Admission, RunUnderWay } from './admission.ts'
import { maxJoinedBytes } from './batch-tensors.ts'
import type { Execution } from './execution.ts'
import type { InferThread } from './infer-thread.ts'
import type { PoolJob } from './pool-job.ts'
import type { RunHistory } from './run-history.ts'
import type { ThreadSupervisor } from './thread-supervisor.ts'
import { overloaded, type WorkQueue } from './work-queue.ts'

/** Decides which waiting job runs next, and in which thread. */
export interface Dispatch {
  /** Gives waiting jobs to free threads, and sends short ones ahead to busy threads. Call it whenever either changes. */
  pump(): void
  /** Takes a job out of the queue, or back from the thread that it was sent ahead to; false when it has begun. */
  withdraw(job: PoolJob): boolean
  /** Jobs that have not begun, those sent ahead included: of this model, or of all. */
  waiting(key?: string): number
}

/** Milliseconds of a model's runs, at the 95th percentile, up to which the next one is sent ahead. */
const aheadWithinMs = 100

/** Milliseconds that a job waits once it was sent ahead: the run before it has then taken ten times what was expected. */
const aheadPatienceMs = 10 * aheadWithinMs

/**
 * Where runs are short and not joined, a thread is sent its next run during the current one: otherwise it would idle for
 * about a millisecond between two runs, and its caches would go cold. The job can still be taken back. Its inputs lie in
 * that thread from then on, so it can't go to another one: only a job of the model that the thread runs is sent ahead.
 */
export function createDispatch(options: {
  readonly queue: WorkQueue<PoolJob>
  readonly threads: ThreadSupervisor
  readonly execution: Execution
  readonly admission: Admission
  readonly historyOf: (key: string) => RunHistory
}): Dispatch {
  const { queue, threads, execution, admission, historyOf } = options
  const { running } = execution

  /** Refuses the first job that waits for a model if a start at `startMs` would be too late for its deadline. */
  const refuseLate = (key: string, startMs: number): boolean => {
    const first = queue.first(key)
    if (first === undefined || !admission.isLate(key, startMs, first.task.deadlineAtMs)) return false
    queue.remove(first)
    first.reject(overloaded())
    return true
  }

  /** The next jobs of a model that go into one run. */
  const takeBatch = (key: string): PoolJob[] => {
    // Spread over the free threads before anything is joined.
    const size = historyOf(key).policy.sizeFor(Math.ceil(queue.waiting(key) / threads.free.size))
    let rows = 0
    let bytes = 0
    return queue.take(key, size, (first, other) => {
      rows = Math.max(rows, first.rows ?? 0) + (other.rows ?? 0)
      bytes = Math.max(bytes, first.bytes) + other.bytes
      if (bytes > maxJoinedBytes) return false
      const joinable = first.rows !== undefined && other.rows !== undefined && first.kind === other.kind
      return joinable && rows <= (first.task.model.maxBatch ?? 1)
    })
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
      const jobs = takeBatch(key)
      threads.take(thread)
      execution.start(thread, key, jobs)
    }
  }

  /** The thread that is expected to end its run of this model first, of those that were not sent a next one yet. */
  const soonestOf = (key: string) => {
    let soonest:
      | { readonly thread: InferThread; readonly run: RunUnderWay<PoolJob>; readonly endMs: number }
      | undefined
    for (const [thread, run] of running) {
      const endMs = run.startMs + run.expectedMs
      const isFit = run.key === key && run.ahead === undefined && thread.alive && !threads.stuck.has(thread)
      if (isFit && endMs < (soonest?.endMs ?? Number.POSITIVE_INFINITY)) soonest = { thread, run, endMs }
    }
    return soonest
  }

  /** Sends a model's first job ahead, or refuses it because it would be late; false when no thread may have it. */
  const sendAhead = (key: string): boolean => {
    const next = queue.first(key)?.task.model
    const { p95Ms = Number.POSITIVE_INFINITY } = historyOf(key).run
    if (next === undefined || (next.maxBatch ?? 1) > 1 || p95Ms > aheadWithinMs) return false
    const soonest = soonestOf(key)
    if (soonest === undefined) return false
    const { thread, run, endMs } = soonest
    if (refuseLate(key, Math.max(performance.now(), endMs))) return true
    const [job] = queue.take(key, 1, () => false)
    if (job === undefined) return false
    run.ahead = job
    const { model, inputs, outputs } = job.task
    // Its result is asked for, and its failure handled, when it is its turn.
    thread.sendAhead({ key, inputs, wire: model.wire, outputs }, model.shared).catch(() => {})
    job.patience = setTimeout(() => withdraw(job) && job.reject(overloaded()), aheadPatienceMs)
    return true
  }

  const withdraw = (job: PoolJob): boolean => {
    if (queue.remove(job)) return true
    for (const [thread, run] of running) {
      if (run.ahead !== job || !thread.takeBack()) continue
      run.ahead = undefined
      pump()
      return true
    }
    return false
  }

  return {
    pump,
    withdraw,
    waiting(key) {
      const ahead = [...running.values()].filter((run) => run.ahead && (key === undefined || run.key === key))
      return queue.waiting(key) + ahead.length
    },
  }
}
