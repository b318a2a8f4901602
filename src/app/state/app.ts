import type { Client } from '../../index.ts'
import { nextTask } from '../../ui/base/next-task.ts'
import type { AppState } from './app-state.ts'
import { createLinkHistory, type LinkHistory } from './link-history.ts'
import type { CreateAppClient } from './make-client.ts'
import { type Preferences, readPreferences, type SimulationName, writePreferences } from './preferences.ts'
import { toProblem } from './problem.ts'
import type { Settings } from './read-settings.ts'
import { watchClient } from './watch-client.ts'

/** What needs another client: it is made anew with it. */
export type ClientSettings = Partial<Pick<Preferences, 'endpoint' | 'saveData' | 'report'>> & {
  readonly simulation?: SimulationName
  readonly token?: string
}

/** The app's state and what a person can do to it, apart from how either looks. */
export interface App {
  readonly state: AppState
  readonly history: LinkHistory
  subscribe(listener: () => void): () => void
  /** The client, fetched and made at the first call. */
  client(): Promise<Client>
  /** Reads the catalogue, and prepares this device for the first task where nothing speaks against it. Never rejects. */
  start(): Promise<void>
  refreshModels(): Promise<void>
  refreshLink(): void
  setPrivacy(privacy: Preferences['privacy']): void
  setLanguage(language: Preferences['language']): void
  /** Closes the client and makes another one: requests under way end. */
  change(settings: ClientSettings): Promise<void>
  /** Counts a request as under way until the function it gives is called. */
  begin(): () => void
  clearRoutes(): void
}

/** What is prepared without being asked: small, and the first thing on the first page. */
const firstModel = 'digits'

export function createApp(options: {
  readonly settings: Settings
  readonly load: () => Promise<CreateAppClient>
}): App {
  const { settings, load } = options
  const listeners = new Set<() => void>()
  const history = createLinkHistory()
  const kept = readPreferences()
  let token: string | undefined
  let client: Promise<Client> | undefined
  let state: AppState = {
    preferences: {
      ...kept,
      ...(settings.privacy === undefined ? {} : { privacy: settings.privacy }),
      ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    },
    simulation: settings.simulation ?? 'none',
    hasToken: false,
    routes: [],
    running: 0,
  }
  const update = (change: Partial<AppState>) => {
    state = { ...state, ...change }
    for (const listener of [...listeners]) listener()
  }
  const setPreferences = (change: Partial<Preferences>) => {
    // What the address asked for holds for this visit and is not kept.
    writePreferences({ ...readPreferences(), ...change })
    update({ preferences: { ...state.preferences, ...change } })
  }

  const make = async (): Promise<Client> => {
    try {
      const create = await load()
      await nextTask()
      const made = create({ settings, preferences: state.preferences, simulation: state.simulation, token })
      await nextTask()
      watchClient(made, {
        state: () => state,
        update,
        onLink: history.add,
        onNotices: () => void refreshModels(),
        onModels: () => void refreshModels(),
      })
      await nextTask()
      return made
    } catch (error) {
      client = undefined
      update({ problem: toProblem(error) })
      throw error
    }
  }
  const open = () => {
    client ??= make()
    return client
  }

  const refreshModels = async () => {
    const asked = open()
    // A client that was replaced meanwhile has nothing more to say.
    const counts = () => client === asked || client === undefined
    try {
      const models = await (await asked).models.list()
      if (counts()) update({ models, modelsProblem: undefined })
    } catch (error) {
      if (counts()) update({ modelsProblem: toProblem(error) })
    }
  }
  const start = async () => {
    await refreshModels()
    const first = state.models?.some(({ name }) => name === firstModel) === true
    if (!first || state.preferences.privacy === 'cloud-only' || state.link?.saveData === true) return
    // Its failure is the model's state, which is shown.
    await (await open()).prepare(firstModel).catch(() => {})
  }

  return {
    get state() {
      return state
    },
    history,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    client: open,
    start: () => start().catch(() => {}),
    refreshModels,
    refreshLink() {
      void client?.then((made) => update({ link: made.link() })).catch(() => {})
    },
    setPrivacy: (privacy) => setPreferences({ privacy }),
    setLanguage: (language) => setPreferences({ language }),
    async change({ simulation, token: nextToken, ...preferences }) {
      if (nextToken !== undefined) token = nextToken === '' ? undefined : nextToken
      setPreferences(preferences)
      update({ simulation: simulation ?? state.simulation, hasToken: token !== undefined, problem: undefined })
      const before = client
      client = undefined
      await before?.then((made) => made.close()).catch(() => {})
      await start().catch(() => {})
    },
    begin() {
      update({ running: state.running + 1 })
      let ended = false
      return () => {
        if (!ended) update({ running: state.running - 1 })
        ended = true
      }
    },
    clearRoutes() {
      void client?.then((made) => made.routes.clear()).catch(() => {})
      update({ routes: [] })
    },
  }
}
