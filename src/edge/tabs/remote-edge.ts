import type { Manifest } from '../../contracts/manifest.ts'
import type { BackendMeasurement, DeviceReport } from '../../contracts/measurements.ts'
import { EdgeError } from '../../errors/edge-error.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import { startAwakeTimer } from '../../utils/awake-timer.ts'
import { noDevice } from '../device-report.ts'
import type { EdgeEngine, EdgeEvents, EdgeRun, LoadedModel, ReadFiles, SessionHost } from '../edge-types.ts'
import type { SessionPlan } from '../session-plan.ts'
import type { WorkerSessionRun } from '../worker-types.ts'
import { openChannelCalls } from './channel-calls.ts'

/** A leader that has been silent for this long while calls wait for it is asked whether it lives; and seized from when it does not say. */
const silenceMs = 700

interface ModelView {
  readonly loaded?: LoadedModel | undefined
  readonly waiting: number
  readonly forecast?: ReturnType<EdgeEngine['forecast']>
}

/** The leader has gone: the call is made again, to the next one. */
export class LeaderGone extends Error {
  override readonly name = 'LeaderGone'
}

/** To a session, the end of the leader's tab is the end of its worker: it goes on in another one. */
const asWorker = <T>(promise: Promise<T>): Promise<T> =>
  promise.catch((error) => {
    if (!(error instanceof LeaderGone)) throw error
    throw new EdgeError('edge-crashed', 'The tab that ran the models has ended.', { cause: error })
  })

/** The engine of another tab. What is asked at once is answered from the newest view that the leader has sent. */
export function openRemoteEdge(options: {
  readonly channelName: string
  readonly events: EdgeEvents
  /** Reads a stored model that this tab itself has not loaded. */
  readonly readFiles: (manifest: Manifest) => ReturnType<ReadFiles>
  /** The leader does not answer. */
  readonly onSilence: () => void
}): EdgeEngine {
  const { channelName, events, onSilence } = options
  const files = new Map<string, ReadFiles>()
  const manifests = new Map<string, Manifest>()
  let views = new Map<string, ModelView>()
  let report: DeviceReport | undefined
  let holdsAlive = new Map<number, readonly string[]>()
  let waitingCalls = 0
  let stopListening: (() => void) | undefined

  const calls = openChannelCalls(channelName, {
    readFiles(_, manifest: Manifest) {
      return (files.get(modelKey(manifest)) ?? (() => options.readFiles(manifest)))()
    },
    device: (_, newest: DeviceReport) => {
      report = newest
      events.onDevice?.(newest)
    },
    async gone() {
      await look()
      events.onGone?.()
    },
    async moved(_, manifest: Manifest, loaded: LoadedModel) {
      await look()
      events.onMoved?.({ manifest, loaded })
    },
  })

  /** Watches for the leader's silence as long as calls wait for it. */
  const listen = () => {
    if (waitingCalls === 0 || stopListening !== undefined) return
    const pinged = () => {
      const giveUp = startAwakeTimer(silenceMs, onSilence)
      stopListening = giveUp
      calls
        .call('ping', [])
        .catch(() => {})
        .finally(() => {
          giveUp()
          stopListening = undefined
          listen()
        })
    }
    stopListening = startAwakeTimer(silenceMs, pinged)
  }
  const ask = async <T>(method: string, args: readonly unknown[], signal?: AbortSignal): Promise<T> => {
    waitingCalls += 1
    listen()
    try {
      return await calls.call<T>(method, args, signal)
    } finally {
      waitingCalls -= 1
      if (waitingCalls === 0) {
        stopListening?.()
        stopListening = undefined
      }
    }
  }
  /** Looks at what the leader has of the models that this tab has asked about. */
  const look = async () => {
    const known = [...manifests.values()]
    const view = await ask<{ report: DeviceReport; models: readonly ModelView[] }>('view', [known])
    report = view.report
    views = new Map(
      known.flatMap((manifest, index) => {
        const model = view.models[index]
        return model === undefined ? [] : [[modelKey(manifest), model]]
      }),
    )
    for (const [holdId, keys] of holdsAlive) {
      if (!(await ask<boolean>('isHeld', [holdId, keys]))) holdsAlive.delete(holdId)
    }
  }
  const know = (manifest: Manifest): ModelView | undefined => {
    const key = modelKey(manifest)
    if (!manifests.has(key)) {
      manifests.set(key, manifest)
      look().catch(() => {})
    }
    return views.get(key)
  }
  const first = look().catch(() => {})

  const hold: EdgeEngine['hold'] = async (plan: SessionPlan, readFiles) => {
    for (const { manifest } of plan.steps) files.set(modelKey(manifest), () => readFiles(manifest))
    const { holdId, backend } = await ask<{ holdId: number; backend: EdgeRun['backend'] }>('hold', [plan])
    const keys = plan.steps.map(({ manifest }) => modelKey(manifest))
    holdsAlive.set(holdId, keys)
    const host: SessionHost = {
      has: (key) => holdsAlive.get(holdId)?.includes(key) ?? false,
      startSession: (sessionId, workerPlan, state) =>
        asWorker(ask('startSession', [holdId, sessionId, workerPlan, state])),
      runSession: (sessionId, inputs, { timeoutMs, signal }) =>
        asWorker(ask<WorkerSessionRun>('runSession', [holdId, sessionId, inputs, { timeoutMs }], signal)),
      closeSession: (sessionId) => ask<void>('closeSession', [holdId, sessionId]).catch(() => {}),
    }
    return {
      backend,
      host,
      release() {
        holdsAlive.delete(holdId)
        ask('release', [holdId]).catch(() => {})
      },
    }
  }

  return {
    async measure(again) {
      const measured = await ask<readonly BackendMeasurement[]>('measure', [again])
      await look()
      return measured
    },
    // The tab that leads has a runtime, or will when it loads the model.
    anticipate: async () => {},
    async check(manifest) {
      manifests.set(modelKey(manifest), manifest)
      await ask('check', [manifest])
    },
    async load(manifest, readFiles) {
      manifests.set(modelKey(manifest), manifest)
      files.set(modelKey(manifest), readFiles)
      const loaded = await ask<LoadedModel>('load', [manifest])
      await look()
      return loaded
    },
    loaded: (manifest) => know(manifest)?.loaded,
    async run(manifest, inputs, { timeoutMs, signal }) {
      const startedAt = performance.now()
      const run = await ask<EdgeRun>('run', [manifest, inputs, { timeoutMs }], signal)
      return { ...run, totalMs: performance.now() - startedAt }
    },
    hold,
    waiting: (manifest) => know(manifest)?.waiting ?? 0,
    busyForMs: () => 0,
    async unload(manifest) {
      await ask('unload', [manifest])
      await look()
    },
    forecast: (manifest) => know(manifest)?.forecast,
    report: () => report ?? noDevice(),
    async ready(manifest) {
      await first
      if (manifest === undefined || views.has(modelKey(manifest))) return
      manifests.set(modelKey(manifest), manifest)
      await look().catch(() => {})
    },
    close() {
      stopListening?.()
      holdsAlive = new Map()
      calls.close(new LeaderGone('the tab that leads has gone'))
    },
  }
}
