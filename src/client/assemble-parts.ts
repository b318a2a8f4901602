import type { LinkReport } from '../contracts/measurements.ts'
import type { PowerWatcher } from '../device/power-watcher.ts'
import type { EdgeEngine, EdgeEvents } from '../edge/edge-types.ts'
import { ConfigError } from '../errors/config-error.ts'
import type { Traffic } from '../models/transfer/traffic-meter.ts'
import type { NetworkWatcher } from '../network/network-watcher.ts'
import { anySignal } from '../utils/any-signal.ts'
import { createEmitter } from '../utils/emitter.ts'
import { lazy } from '../utils/lazy.ts'
import type { Background } from './background/create-background.ts'
import type { ModelChanges } from './background/model-changes.ts'
import { createClientOutbox } from './client-outbox.ts'
import { createClientPipeline, type PipelineCode } from './client-pipeline.ts'
import { createEdgeModels } from './edge/edge-models.ts'
import type { ClientSettings } from './options/client-settings.ts'
import { createRoutesLog } from './routes-log.ts'
import type { ClientEvents } from './types/client-types.ts'

/** What a client stands on: the page's browser, or a test's fakes. */
export interface ClientPlatform {
  readonly background: Background
  /** Carries between the tabs which models changed. Default: none, as for a page that is alone. */
  readonly changes?: ModelChanges
  readonly watcher: NetworkWatcher
  readonly power: PowerWatcher
  readonly createEdge: (events: EdgeEvents) => EdgeEngine
  readonly loadPipeline: () => Promise<PipelineCode>
  /** Calls `listener` with how fast models' files come, from now on. Default: nobody says. */
  readonly onTraffic?: (listener: (traffic: Traffic) => void) => void
}

/** The parts of one client, as they know of each other. */
export function assembleParts(settings: ClientSettings, platform: ClientPlatform) {
  const { background, watcher, power, changes } = platform
  const { storage, simulate, endpoints } = settings
  const closing = new AbortController()
  const events = createEmitter<ClientEvents>()
  const routes = createRoutesLog()

  const edge = platform.createEdge({
    onDevice: () => events.emit('device', edge.report()),
    onRuntime: (progress) => void pipeline.use(({ learnRuntime }) => learnRuntime(progress)),
    onGone: () => edgeModels.refresh(),
    onMoved: ({ manifest, loaded }) => edgeModels.moved(manifest, loaded),
  })
  const edgeModels = createEdgeModels({
    background,
    edge,
    onState: (model, state) => events.emit('state', { model, state }),
    onProgress: (model, progress) => events.emit('progress', { model, ...progress }),
    onLoaded: (...loaded) => void pipeline.use(({ learnLoaded }) => learnLoaded(...loaded)),
    onInstalled: (...installed) => void pipeline.use(({ learnInstalled }) => learnInstalled(...installed)),
  })
  changes?.on((models, isOwn) => {
    if (!isOwn) void edgeModels.changedElsewhere(models)
    events.emit('models', { models })
  })
  const pipeline = createClientPipeline(platform.loadPipeline, () => ({
    endpoints,
    budgets: settings.budgets,
    network: simulate?.network,
    downloadOnMetered: storage.downloadOnMetered === true,
    keepsMeasurements: simulate === undefined,
    background,
    edge,
    edgeModels,
    watcher,
    power,
    open,
    closing: closing.signal,
    onLink: (report) => events.emit('link', report),
    onNotices: (current) => events.emit('notices', current),
    onEdgeReady(requestId, ms) {
      const route = routes.measured(requestId, { arm: 'edge', ms, known: 'when-ready' })
      if (route !== undefined) events.emit('measured', route)
    },
  }))
  platform.onTraffic?.((traffic) => void pipeline.use(({ learnTraffic }) => learnTraffic(traffic)))
  const updates = lazy(async () => {
    const { createModelUpdates } = await import('./models/model-updates.ts')
    return createModelUpdates({ background, edge, edgeModels })
  })

  const link = (): LinkReport =>
    pipeline.peek()?.link() ?? { online: watcher.online, saveData: watcher.saveData, samples: 0 }
  const stopWatching = watcher.onChange(({ networkChanged }) => {
    if (networkChanged) pipeline.peek()?.networkChanged()
    events.emit('link', link())
  })
  const outbox = createClientOutbox({
    mode: settings.report,
    baseUrl: settings.reportUrl,
    token: settings.reportToken,
    wanted: () =>
      pipeline.get().then(
        ({ mayTakeReports }) => mayTakeReports(),
        () => true,
      ),
    watcher,
    adapter: () => edge.report().backends.find(({ backend }) => backend === 'webgpu')?.detail,
    onState: (state) => events.emit('outbox', state),
  })

  let isFirst = true
  let isOpen = false
  const anticipate = () => void pipeline.use(() => {})
  const open = async () => {
    if (closing.signal.aborted) throw closing.signal.reason
    if (isOpen) return
    isFirst = false
    power.start()
    changes?.listen()
    anticipate()
    await edge.ready()
    isOpen = true
  }
  const close = () => {
    if (closing.signal.aborted) return
    const reason = new ConfigError('client-closed', 'The client was closed.')
    closing.abort(reason)
    stopWatching()
    power.stop()
    outbox.close()
    changes?.close()
    edge.close()
    background.terminate(reason)
    events.clear()
  }

  return {
    ...{ background, edge, edgeModels, pipeline, updates, outbox, watcher, events, routes },
    closing: closing.signal,
    /** A signal that also aborts when the client is closed. */
    bounded: (signal: AbortSignal | undefined) => anySignal(signal, closing.signal),
    /** True until something was asked of the client. */
    isFirst: () => isFirst,
    /** Begins to fetch the pipeline. */
    anticipate,
    /** The device is ready to be asked. Rejects once the client is closed. */
    open,
    link,
    close,
  }
}
