import {
  type Classification,
  type Client,
  type DeviceReport,
  isHitherError,
  type LinkReport,
  type ModelEntry,
  type ModelState,
  type PictureSource,
  type Privacy,
  type RouteExplanation,
  type RouteRecord,
} from '../index.ts'
import { texts } from './texts.ts'

/** A sentence about what went wrong, and its code where the library gave one. */
export interface Problem {
  readonly message: string
  readonly code?: string
}

/** All that the page shows. Replaced as a whole at each change. */
export interface SessionState {
  readonly status: 'idle' | 'running' | 'done' | 'error'
  /** Runs that ended with an answer or an error; one that was overtaken does not count. */
  readonly runs: number
  readonly answer?: Classification | undefined
  readonly route?: RouteRecord | undefined
  readonly problem?: Problem | undefined
  readonly explanation?: RouteExplanation | undefined
  readonly routes: readonly RouteRecord[]
  readonly device: DeviceReport
  readonly link: LinkReport
  /** Undefined until the catalogue was read. */
  readonly model?: ModelEntry | undefined
  readonly modelProblem?: Problem | undefined
  readonly privacy: Privacy
}

export interface Session {
  readonly state: SessionState
  /** Calls `listener` after each change; returns a function that stops it. */
  subscribe(listener: () => void): () => void
  /** Reads the catalogue and, unless that would go against the person's wishes, prepares the model. */
  start(): Promise<void>
  /** Answers one picture; a call while another is under way overtakes it. Resolves to the problem, if there was one. Never rejects. */
  recognise(picture: PictureSource): Promise<Problem | undefined>
  /** Gives up the run under way. */
  cancel(): void
  /** Forgets answer and problem. */
  reset(): void
  /** Shows a problem that is not a run's. */
  fail(problem: Problem): void
  setPrivacy(privacy: Privacy): void
  prepare(): Promise<void>
  remove(): Promise<void>
  refreshLink(): void
}

const modelName = 'digits'
const keptRoutes = 10

/** Any thrown value as a sentence. */
export function toProblem(error: unknown): Problem {
  if (isHitherError(error)) return { message: error.message, code: error.code }
  return { message: texts.problem.unexpected(error instanceof Error ? error.message : String(error)) }
}

/** The page's state and what a person can do to it, apart from how either looks. */
export function createSession(client: Client, privacy: Privacy = 'any'): Session {
  const listeners = new Set<() => void>()
  let running: AbortController | undefined
  let explaining = 0
  let state: SessionState = {
    status: 'idle',
    runs: 0,
    routes: [],
    device: client.device(),
    link: client.link(),
    privacy,
  }
  const update = (change: Partial<SessionState>) => {
    state = { ...state, ...change }
    for (const listener of listeners) listener()
  }

  const explain = async () => {
    explaining += 1
    const turn = explaining
    const explanation = await client.explain(modelName, { privacy: state.privacy }).catch(() => undefined)
    if (turn === explaining) update({ explanation })
  }
  const setModelState = (modelState: ModelState) => {
    if (state.model) update({ model: { ...state.model, state: modelState } })
  }
  const readCatalogue = async () => {
    const models = await client.models.list()
    const model = models.find(({ name }) => name === modelName)
    update({ model, modelProblem: model === undefined ? { message: texts.model.missing } : undefined })
  }
  const prepare = async () => {
    try {
      if (state.model === undefined) await readCatalogue()
      await client.prepare(modelName)
      update({ modelProblem: undefined })
    } catch (error) {
      update({ modelProblem: toProblem(error) })
    }
  }

  client.on('route', (route) => update({ routes: [route, ...state.routes].slice(0, keptRoutes) }))
  client.on('device', (device) => {
    update({ device })
    void explain()
  })
  client.on('link', (link) => {
    update({ link })
    void explain()
  })
  client.on('state', (event) => {
    if (event.model !== modelName) return
    setModelState(event.state)
    if (event.state.status !== 'downloading') void explain()
  })
  client.on('progress', ({ model, loadedBytes, totalBytes }) => {
    if (model !== modelName || state.model?.state.status !== 'downloading') return
    setModelState({ status: 'downloading', loadedBytes, totalBytes })
  })

  const cancel = () => {
    running?.abort()
    running = undefined
    if (state.status === 'running') update({ status: state.answer === undefined ? 'idle' : 'done' })
  }

  return {
    get state() {
      return state
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async start() {
      void explain()
      try {
        await readCatalogue()
      } catch (error) {
        update({ modelProblem: toProblem(error) })
        return
      }
      if (state.privacy !== 'cloud-only' && !state.link.saveData && state.model) await prepare()
    },
    async recognise(picture) {
      running?.abort()
      const controller = new AbortController()
      running = controller
      update({ status: 'running', problem: undefined })
      try {
        const options = { signal: controller.signal, privacy: state.privacy }
        const { answer, route } = await client.run(modelName, { image: picture }, options)
        if (controller.signal.aborted) return undefined
        const problem = answer === undefined ? { message: texts.problem.noAnswer } : undefined
        update({ status: problem ? 'error' : 'done', runs: state.runs + 1, answer, route, problem })
        return problem
      } catch (error) {
        if (controller.signal.aborted) return undefined
        const problem = toProblem(error)
        update({ status: 'error', runs: state.runs + 1, answer: undefined, route: undefined, problem })
        return problem
      } finally {
        if (running === controller) running = undefined
      }
    },
    cancel,
    reset() {
      cancel()
      update({ status: 'idle', answer: undefined, route: undefined, problem: undefined })
    },
    fail(problem) {
      cancel()
      update({ status: 'error', answer: undefined, route: undefined, problem })
    },
    setPrivacy(next) {
      update({ privacy: next })
      void explain()
    },
    prepare,
    async remove() {
      try {
        await client.models.remove(modelName)
        update({ modelProblem: undefined })
      } catch (error) {
        update({ modelProblem: toProblem(error) })
      }
    },
    refreshLink() {
      update({ link: client.link() })
    },
  }
}
