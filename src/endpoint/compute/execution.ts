import type { RunUnderWay } from './admission.ts'
import type { InferThread } from './infer-thread.ts'
import type { PoolJob } from './pool-job.ts'
import type { Runner } from './run-batch.ts'
import type { RunHistory } from './run-history.ts'
import type { ThreadSupervisor } from './thread-supervisor.ts'
import { overloaded, type WorkQueue } from './work-queue.ts'

/** The runs under way, one at a time in each thread. */
export interface Execution {
  readonly running: ReadonlyMap<InferThread, RunUnderWay<PoolJob>>
  /** Runs these jobs of one model together in a thread, which the caller has taken. */
  start(thread: InferThread, key: string, jobs: readonly PoolJob[]): void
  /** Resolves when no run is under way, those included whose caller has gone. */
  settled(): Promise<void>
}

/** @param options.onEnd called when a run of a model has ended and its thread is free or at its next run */
export function createExecution(options: {
  readonly queue: WorkQueue<PoolJob>
  readonly threads: ThreadSupervisor
  readonly runner: Runner
  readonly historyOf: (key: string) => RunHistory
  readonly onEnd: (key: string) => void
}): Execution {
  const { queue, threads, runner, historyOf, onEnd } = options
  const running = new Map<InferThread, RunUnderWay<PoolJob>>()
  const executions = new Set<Promise<void>>()

  const start = (thread: InferThread, key: string, jobs: readonly PoolJob[]) => {
    const history = historyOf(key)
    const run = { key, startMs: performance.now(), expectedMs: jobs.length * (history.service.meanMs ?? 0) }
    running.set(thread, run)
    const execution = execute(thread, run, jobs, history).finally(() => executions.delete(execution))
    executions.add(execution)
  }

  const execute = async (
    thread: InferThread,
    run: RunUnderWay<PoolJob>,
    jobs: readonly PoolJob[],
    history: RunHistory,
  ) => {
    const { key, startMs } = run
    for (const { patience } of jobs) clearTimeout(patience)
    const tasks = jobs.map(({ task }) => task)
    const outcomes = await runner.run(thread, tasks, history)
    const endMs = performance.now()
    queue.charge(key, endMs - startMs)
    running.delete(thread)
    startNext(thread, run)
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
    onEnd(key)
  }

  const startNext = (thread: InferThread, { key, ahead }: RunUnderWay<PoolJob>) => {
    if (ahead === undefined) threads.giveBack(thread)
    // A thread that was given up or died may not have begun its next run, and then never will.
    else if ((threads.stuck.has(thread) || !thread.alive) && thread.takeBack()) ahead.reject(overloaded())
    else start(thread, key, [ahead])
  }

  return {
    running,
    start,
    async settled() {
      while (executions.size > 0) await Promise.allSettled(executions)
    },
  }
}
