import type { Client, LinkReport, ModelState } from '../../index.ts'
import type { AppState } from './app-state.ts'

/** Routes that are kept for the pages; the client's own list has all of the visit. */
const mostRoutes = 1000

/** Carries what a client tells into the app's state, as long as the client lives. */
export function watchClient(
  client: Client,
  {
    state,
    update,
    onLink,
    onNotices,
    onModels,
  }: {
    readonly state: () => AppState
    readonly update: (change: Partial<AppState>) => void
    readonly onLink: (link: LinkReport) => void
    /** A model may have been withdrawn, or is allowed again. */
    readonly onNotices: () => void
    /** A model was added, replaced or removed, in this tab or in another one. */
    readonly onModels: () => void
  },
): void {
  const setModelState = (name: string, modelState: ModelState) => {
    const { models } = state()
    if (models) update({ models: models.map((each) => (each.name === name ? { ...each, state: modelState } : each)) })
  }
  client.on('route', (route) => update({ routes: [route, ...state().routes].slice(0, mostRoutes) }))
  client.on('measured', (route) =>
    update({ routes: state().routes.map((known) => (known.id === route.id ? route : known)) }),
  )
  client.on('device', (device) => update({ device }))
  client.on('link', (link) => {
    onLink(link)
    update({ link })
  })
  client.on('state', (event) => setModelState(event.model, event.state))
  client.on('progress', ({ model, ...progress }) => {
    if (state().models?.find(({ name }) => name === model)?.state.status !== 'downloading') return
    setModelState(model, { status: 'downloading', ...progress })
  })
  client.on('notices', onNotices)
  client.on('models', onModels)
  update({ device: client.device(), link: client.link() })
}
