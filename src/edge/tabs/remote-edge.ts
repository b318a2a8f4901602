import type { Manifest } from '../../contracts/manifest.ts'
import type { DeviceReport } from '../../contracts/measurements.ts'
import { EdgeError } from '../../errors/edge-error.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import { startAwakeTimer } from '../../utils/awake-timer.ts'
import { errorCodec } from '../../utils/calls/error-codec.ts'
import { openLink } from '../../utils/calls/open-link.ts'
import type { Remote } from '../../utils/calls/remote.ts'
import { noDevice } from '../device-report.ts'
import type { EdgeEngine, EdgeEvents, ReadFiles, SessionHost } from '../edge-types.ts'
import type { FollowerMethods, LeaderMethods, ModelView } from './tab-methods.ts'

/** A leader that has been silent for this long while calls wait for it is asked whether it lives; and seized from when it does not say. */
const silenceMs = 700

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
  /** What the leader holds for this tab, by a way to ask whether it still does; and the models' keys. */
  let holdsAlive = new Map<(keys: readonly string[]) => Promise<boolean>, readonly string[]>()
  let waitingCalls = 0
  let stopListening: (() => void) | undefined

  const methods: FollowerMethods = {
    readFiles: (manifest) => (files.get(modelKey(manifest)) ?? (() => options.readFiles(manifest)))(),
    onDevice(newest) {
      report = newest
      events.onDevice?.(newest)
    },
    async onGone() {
      await look()
      events.onGone?.()
    },
    async onMoved(moved) {
      await look()
      events.onMoved?.(moved)
    },
  }
  // Tensors between tabs are copied: a channel can't hand them over.
  const link = openLink<LeaderMethods>(new BroadcastChannel(channelName), { methods, errors: errorCodec })

  /** Watches for the leader's silence as long as calls wait for it. */
  const listen = () => {
    if (waitingCalls === 0 || stopListening !== undefined) return
    const pinged = () => {
      const giveUp = startAwakeTimer(silenceMs, onSilence)
      stopListening = giveUp
      link.methods
        .ping()
        .catch(() => {})
        .finally(() => {
          giveUp()
          stopListening = undefined
          listen()
        })
    }
    stopListening = startAwakeTimer(silenceMs, pinged)
  }
  const ask = async <T>(call: (leader: Remote<LeaderMethods>) => Promise<T>): Promise<T> => {
    waitingCalls += 1
    listen()
    try {
      return await call(link.methods)
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
    const view = await ask((leader) => leader.view(known))
    report = view.report
    views = new Map(
      known.flatMap((manifest, index) => {
        const model = view.models[index]
        return model === undefined ? [] : [[modelKey(manifest), model]]
      }),
    )
    for (const [has, keys] of holdsAlive) {
      if (!(await ask(() => has(keys)))) holdsAlive.delete(has)
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

  const hold: EdgeEngine['hold'] = async (plan, readFiles) => {
    for (const { manifest } of plan.steps) files.set(modelKey(manifest), () => readFiles(manifest))
    const lent = await ask((leader) => leader.hold(plan, readFiles))
    holdsAlive.set(
      lent.has,
      plan.steps.map(({ manifest }) => modelKey(manifest)),
    )
    const host: SessionHost = {
      has: (key) => holdsAlive.get(lent.has)?.includes(key) ?? false,
      startSession: (...args) => asWorker(ask(() => lent.startSession(...args))),
      runSession: (sessionId, inputs, { timeoutMs, signal }) =>
        asWorker(ask(() => lent.runSession(sessionId, inputs, { timeoutMs, signal }))),
      closeSession: (sessionId) => ask(() => lent.closeSession(sessionId)).catch(() => {}),
    }
    return {
      backend: lent.backend,
      host,
      release() {
        holdsAlive.delete(lent.has)
        ask(() => lent.release()).catch(() => {})
      },
    }
  }

  return {
    async measure(again) {
      const measured = await ask((leader) => leader.measure(again))
      await look()
      return measured
    },
    // The tab that leads has a runtime, or will when it loads the model.
    anticipate: async () => {},
    async check(manifest) {
      manifests.set(modelKey(manifest), manifest)
      await ask((leader) => leader.check(manifest))
    },
    async load(manifest, readFiles) {
      manifests.set(modelKey(manifest), manifest)
      files.set(modelKey(manifest), readFiles)
      const loaded = await ask((leader) => leader.load(manifest, readFiles))
      await look()
      return loaded
    },
    loaded: (manifest) => know(manifest)?.loaded,
    async run(manifest, inputs, { timeoutMs, signal }) {
      const startedAt = performance.now()
      const run = await ask((leader) => leader.run(manifest, inputs, { timeoutMs, signal }))
      return { ...run, totalMs: performance.now() - startedAt }
    },
    hold,
    waiting: (manifest) => know(manifest)?.waiting ?? 0,
    busyForMs: () => 0,
    async unload(manifest) {
      await ask((leader) => leader.unload(manifest))
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
      link.close(new LeaderGone('the tab that leads has gone'))
    },
  }
}
