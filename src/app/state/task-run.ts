import type { Classification, Client, Detections, PictureSource, RouteExplanation, RouteRecord } from '../../index.ts'
import type { Speech } from '../../ui/answers/speech-timeline.ts'
import { nextTask } from '../../ui/base/next-task.ts'
import type { TaskSpec } from '../../ui/texts/tasks.ts'
import type { App } from './app.ts'
import { type Problem, toProblem } from './problem.ts'

/** What a person gave a task. */
export type TaskInput =
  | { readonly kind: 'picture'; readonly picture: PictureSource }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'sound'; readonly sound: Blob }
  | { readonly kind: 'camera'; readonly stream: MediaStream }
  | { readonly kind: 'microphone'; readonly stream: MediaStream }

export type TaskAnswer = Classification | Detections | Speech

export interface TaskRunState {
  readonly status: 'idle' | 'running' | 'waiting' | 'done' | 'error'
  /** Runs that ended with an answer or an error; one that was overtaken does not count. */
  readonly runs: number
  readonly answer?: TaskAnswer | undefined
  readonly route?: RouteRecord | undefined
  readonly problem?: Problem | undefined
  /** It failed for want of a network: it can wait for one. */
  readonly canWait?: boolean
  readonly explanation?: RouteExplanation | undefined
}

/** One task's requests: one at a time, the newest counts. */
export interface TaskRun {
  readonly state: TaskRunState
  subscribe(listener: () => void): () => void
  /** Runs what was given. A run under way is given up. Resolves with what went wrong, never rejects. */
  run(input: TaskInput): Promise<Problem | undefined>
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

/** How often a stream's answer is shown anew, in milliseconds. */
const shownEveryMs = 80

type Show = (answer: TaskAnswer, route: RouteRecord) => void

/** An answer's arrival and its showing are tasks of their own: the page can answer in between. */
async function ask(client: Client, { task, model }: TaskSpec, input: TaskInput, options: object, show: Show) {
  if (input.kind === 'text' && task === 'text-classification') {
    const { answer, route } = await client.task(task, { model }).run(input.text, options)
    await nextTask()
    show(answer, route)
    return
  }
  if (task === 'voice-activity') {
    const voice = client.task(task, { model })
    const source = input.kind === 'sound' ? input.sound : input.kind === 'microphone' ? input.stream : undefined
    if (source === undefined) throw new TypeError('speech is found in sound')
    const probabilities: number[] = []
    let shownAtMs = 0
    let shown: (() => void) | undefined
    for await (const { probability, lengthMs, active, segments, route } of voice.listen(source, options)) {
      probabilities.push(probability)
      const live = input.kind === 'microphone'
      shown = () =>
        show({ windowMs: lengthMs, probabilities, segments: segments(), ...(live ? { active } : {}) }, route)
      if (performance.now() - shownAtMs < shownEveryMs) continue
      shownAtMs = performance.now()
      shown()
    }
    shown?.()
    return
  }
  if (task === 'text-classification') throw new TypeError('a text is needed')
  const pictures = client.task(task, { model })
  if (input.kind === 'camera') {
    for await (const { answer, route } of pictures.watch(input.stream, options)) show(answer, route)
    return
  }
  if (input.kind !== 'picture') throw new TypeError('a picture is needed')
  const { answer, route } = await pictures.run(input.picture, options)
  await nextTask()
  show(answer, route)
}

export function createTaskRun(app: App, spec: TaskSpec): TaskRun {
  const listeners = new Set<() => void>()
  let running: AbortController | undefined
  let last: TaskInput | undefined
  let stopWaiting: (() => void) | undefined
  let explaining = 0
  let state: TaskRunState = { status: 'idle', runs: 0 }
  const update = (change: Partial<TaskRunState>) => {
    state = { ...state, ...change }
    for (const listener of [...listeners]) listener()
  }
  const isOffline = () => app.state.link?.online === false

  const run = async (input: TaskInput): Promise<Problem | undefined> => {
    running?.abort()
    stopWaiting?.()
    const controller = new AbortController()
    running = controller
    last = input
    const end = app.begin()
    update({ status: 'running', problem: undefined, canWait: false })
    const show: Show = (answer, route) => {
      if (!controller.signal.aborted) update({ answer, route })
    }
    try {
      const options = { signal: controller.signal, privacy: app.state.preferences.privacy }
      await ask(await app.client(), spec, input, options, show)
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
      void app
        .client()
        .then((client) => client.explain(spec.model, { privacy: app.state.preferences.privacy }))
        .then((explanation) => turn === explaining && update({ explanation }))
        .catch(() => {})
    },
  }
}
