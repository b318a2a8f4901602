import type { RouteExplanation, RouteRecord } from '../../index.ts'
import type { TaskKind, TaskSpecOf } from '../../ui/texts/tasks.ts'
import type { App } from './app.ts'
import { type Problem, toProblem } from './problem.ts'
import type { ShowAnswer, TaskAnswers, TaskInputs } from './task-runners.ts'

export interface TaskRunState<K extends TaskKind = TaskKind> {
  readonly status: 'idle' | 'running' | 'waiting' | 'done' | 'error'
  /** Runs that ended with an answer or an error; one that was overtaken does not count. */
  readonly runs: number
  readonly answer?: TaskAnswers[K] | undefined
  readonly route?: RouteRecord | undefined
  readonly problem?: Problem | undefined
  /** It failed for want of a network: it can wait for one. */
  readonly canWait?: boolean
  readonly explanation?: RouteExplanation | undefined
}

/** One task's requests: one at a time, the newest counts. */
export interface TaskRun<K extends TaskKind> {
  readonly state: TaskRunState<K>
  subscribe(listener: () => void): () => void
  /** Runs what was given. A run under way is given up. Resolves with what went wrong, never rejects. */
  run(input: TaskInputs[K]): Promise<Problem | undefined>
  /** Runs the last input again as soon as the device is online. */
  waitInLine(): void
  /** Gives up a run under way or one in line; the last answer stays. */
  cancel(): void
  /** Forgets answer and problem. */
  reset(): void
  /** Shows a problem that is not a run's. */
  fail(problem: Problem): void
  explain(): void
}

/** Fetched when a card is about to be used: a page shows without it. */
const loadRunners = () => import('./task-runners.ts')

export function createTaskRun<K extends TaskKind>(app: App, spec: TaskSpecOf<K>): TaskRun<K> {
  const listeners = new Set<() => void>()
  let running: AbortController | undefined
  let last: TaskInputs[K] | undefined
  let stopWaiting: (() => void) | undefined
  let explaining = 0
  let state: TaskRunState<K> = { status: 'idle', runs: 0 }
  const update = (change: Partial<TaskRunState<K>>) => {
    state = { ...state, ...change }
    for (const listener of [...listeners]) listener()
  }
  const isOffline = () => app.state.link?.online === false

  const run = async (input: TaskInputs[K]): Promise<Problem | undefined> => {
    running?.abort()
    stopWaiting?.()
    const controller = new AbortController()
    running = controller
    last = input
    const end = app.begin()
    update({ status: 'running', problem: undefined, canWait: false })
    const show: ShowAnswer<K> = (answer, route) => {
      if (!controller.signal.aborted) update({ answer, route })
    }
    try {
      const options = { signal: controller.signal, privacy: app.state.preferences.privacy }
      const [client, { taskRunners }] = await Promise.all([app.client(), loadRunners()])
      await taskRunners[spec.kind](client, spec, input, options, show)
      if (!controller.signal.aborted) update({ status: 'done', runs: state.runs + 1 })
      return undefined
    } catch (error) {
      if (controller.signal.aborted) return undefined
      const problem = toProblem(error)
      update({
        status: 'error',
        runs: state.runs + 1,
        answer: undefined,
        route: undefined,
        problem,
        canWait: isOffline() && error instanceof Error && error.name !== 'ValidationError',
      })
      return problem
    } finally {
      end()
      if (running === controller) running = undefined
    }
  }
  const cancel = () => {
    stopWaiting?.()
    running?.abort()
    running = undefined
    if (state.status === 'running' || state.status === 'waiting') {
      update({ status: state.answer === undefined ? 'idle' : 'done' })
    }
  }

  return {
    get state() {
      return state
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    run,
    waitInLine() {
      const input = last
      if (input === undefined) return
      stopWaiting?.()
      update({ status: 'waiting', problem: undefined, canWait: false })
      const stop = app.subscribe(() => {
        if (!isOffline()) void run(input)
      })
      stopWaiting = () => {
        stop()
        stopWaiting = undefined
      }
    },
    cancel,
    reset() {
      cancel()
      update({ status: 'idle', answer: undefined, route: undefined, problem: undefined, canWait: false })
    },
    fail(problem) {
      cancel()
      update({ status: 'error', answer: undefined, route: undefined, problem, canWait: false })
    },
    explain() {
      explaining += 1
      const turn = explaining
      loadRunners().catch(() => {}) // a run tries again
      void app
        .client()
        .then((client) => {
          const { privacy } = app.state.preferences
          // Its answers come as `link` events, and have the card explain again.
          client.refresh(spec.model, { privacy }).catch(() => {})
          return client.explain(spec.model, { privacy })
        })
        .then((explanation) => turn === explaining && update({ explanation }))
        .catch(() => {})
    },
  }
}
