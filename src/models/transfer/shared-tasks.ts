import { abortable } from '../../utils/abortable.ts'

export interface TaskCaller<P> {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: P) => void) | undefined
}

/** Long work that several callers may ask for at once and that is done once. */
export interface SharedTasks<P> {
  /**
   * Starts the work, or joins it when it is under way. A caller that aborts leaves; when the last one has left, the
   * work itself is aborted.
   */
  join(
    key: string,
    start: (signal: AbortSignal, onProgress: (progress: P) => void) => Promise<void>,
    caller: TaskCaller<P>,
  ): Promise<void>
  /** Aborts the work for all its callers and waits until it has ended. */
  cancel(key: string, reason: unknown): Promise<void>
}

interface Task<P> {
  readonly controller: AbortController
  readonly callers: Set<TaskCaller<P>>
  readonly ended: Promise<void>
  progress?: P
}

export function createSharedTasks<P>(): SharedTasks<P> {
  const tasks = new Map<string, Task<P>>()

  const begin = (key: string, start: Parameters<SharedTasks<P>['join']>[1]): Task<P> => {
    const controller = new AbortController()
    const callers = new Set<TaskCaller<P>>()
    const onProgress = (progress: P) => {
      task.progress = progress
      for (const caller of callers) caller.onProgress?.(progress)
    }
    const ended = Promise.resolve().then(() => start(controller.signal, onProgress))
    const task: Task<P> = { controller, callers, ended }
    tasks.set(key, task)
    const forget = () => {
      if (tasks.get(key) === task) tasks.delete(key)
    }
    ended.then(forget, forget)
    return task
  }

  return {
    async join(key, start, { signal, onProgress }) {
      signal?.throwIfAborted()
      const known = tasks.get(key)
      const task = known ?? begin(key, start)
      const caller = { onProgress }
      task.callers.add(caller)
      if (known?.progress !== undefined) onProgress?.(known.progress)
      try {
        await abortable(task.ended, signal)
      } finally {
        task.callers.delete(caller)
        if (signal?.aborted && task.callers.size === 0) {
          // Whoever asks from now on starts anew instead of joining work that is ending.
          if (tasks.get(key) === task) tasks.delete(key)
          task.controller.abort(signal.reason)
        }
      }
    },
    async cancel(key, reason) {
      const task = tasks.get(key)
      if (task === undefined) return
      tasks.delete(key)
      task.controller.abort(reason)
      await task.ended.catch(() => {})
    },
  }
}
