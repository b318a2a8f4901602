import type { TensorMap } from '../../contracts/tensor.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { isSameAnswer, joinRows, rowsOf, splitRows } from './batch-tensors.ts'
import type { InferThread } from './infer-thread.ts'
import type { PoolTask } from './pool-task.ts'
import type { RunHistory } from './run-history.ts'
import type { ThreadResult } from './thread-messages.ts'

export type Outcome =
  | { readonly status: 'done'; readonly result: ThreadResult }
  | { readonly status: 'failed'; readonly error: unknown }

export interface Runner {
  /** Runs requests of one model in one thread, joined when there are several. One outcome each; never rejects. */
  run(thread: InferThread, tasks: readonly PoolTask[], history: RunHistory): Promise<Outcome[]>
}

/**
 * @param options.giveUp called when a run took too long. It goes on: its thread must not be ended before the run has
 */
export function createRunner(options: {
  readonly runLimitMs: number
  readonly onFault: (error: unknown, key?: string) => void
  readonly giveUp: (thread: InferThread, key: string) => void
}): Runner {
  const { runLimitMs, onFault, giveUp } = options

  const runIn = async (thread: InferThread, task: PoolTask, inputs: TensorMap) => {
    const { key, shared, wire } = task.model
    const run = thread.run({ key, inputs, wire, outputs: task.outputs }, shared)
    let timer: NodeJS.Timeout | undefined
    const overrun = new Promise<'overrun'>((resolve) => {
      timer = setTimeout(() => resolve('overrun'), runLimitMs)
    })
    try {
      const outcome = await Promise.race([run, overrun])
      if (outcome !== 'overrun') return outcome
    } catch (cause) {
      onFault(cause, key)
      throw new CloudError('cloud-failed', 'The model failed on these inputs.', { cause })
    } finally {
      clearTimeout(timer)
    }
    giveUp(thread, key)
    const sentence = `The run took longer than ${runLimitMs / 1000} seconds and was given up.`
    const error = new CloudError('cloud-timeout', sentence)
    onFault(error, key)
    throw error
  }

  const runOne = async (thread: InferThread, task: PoolTask, history: RunHistory): Promise<Outcome> => {
    const startMs = performance.now()
    try {
      const result = await runIn(thread, task, task.inputs)
      // A run that was sent ahead may have begun before `startMs`.
      history.learn(1, Math.max(performance.now() - startMs - result.loadMs, result.computeMs))
      return { status: 'done', result }
    } catch (error) {
      return { status: 'failed', error }
    }
  }

  /** One after the other. After a timeout the thread is given up, so the remaining requests fail with the same error. */
  const runEach = async (thread: InferThread, tasks: readonly PoolTask[], history: RunHistory): Promise<Outcome[]> => {
    const outcomes: Outcome[] = []
    let lost: Outcome | undefined
    for (const task of tasks) {
      const outcome = lost ?? (await runOne(thread, task, history))
      outcomes.push(outcome)
      if (outcome.status === 'failed' && (outcome.error as CloudError).code === 'cloud-timeout') lost = outcome
    }
    return outcomes
  }

  const runJoined = async (
    thread: InferThread,
    tasks: readonly PoolTask[],
    history: RunHistory,
  ): Promise<Outcome[]> => {
    const [first] = tasks
    if (first === undefined) return []
    const startMs = performance.now()
    let result: ThreadResult
    try {
      result = await runIn(thread, first, joinRows(tasks.map(({ inputs }) => inputs)))
    } catch (error) {
      // After a batch timeout, don't rerun one by one: we can't tell which request was slow. Any other failure may be
      // one request's fault.
      if ((error as CloudError).code === 'cloud-timeout') return tasks.map(() => ({ status: 'failed', error }))
      return runEach(thread, tasks, history)
    }
    const threadMs = performance.now() - startMs - result.loadMs
    const parts = splitRows(
      result.outputs,
      tasks.map(({ inputs }) => rowsOf(inputs) ?? 0),
    )
    if (parts !== undefined && history.policy.checked) {
      history.learn(tasks.length, threadMs)
      return parts.map((outputs) => ({ status: 'done', result: { ...result, outputs } }))
    }
    // A free first dimension need not be a batch: the first joined run is compared with single runs.
    const single = await runEach(thread, tasks, history)
    if (single.some(({ status }) => status === 'failed')) return single
    const same = single.every((outcome, index) => {
      const part = parts?.[index]
      return part !== undefined && outcome.status === 'done' && isSame(outcome.result.outputs, part, first)
    })
    history.policy.check(same)
    return single
  }

  return {
    run: async (thread, tasks, history) =>
      tasks.length === 1 ? runEach(thread, tasks, history) : runJoined(thread, tasks, history),
  }
}

const isSame = (a: TensorMap, b: TensorMap, { model }: PoolTask) => isSameAnswer(a, b, model.tolerance ?? 0)
