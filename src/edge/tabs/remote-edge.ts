import type { Manifest } from '../../contracts/manifest.ts'
import type { DeviceReport } from '../../contracts/measurements.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import { errorCodec } from '../../utils/calls/error-codec.ts'
import { openLink } from '../../utils/calls/open-link.ts'
import { noDevice } from '../device-report.ts'
import type { EdgeEngine, EdgeEvents, ReadFiles } from '../edge-types.ts'
import { type AskLeader, asWorker, createHeldByLeader } from './held-by-leader.ts'
import { LeaderGone } from './leader-gone.ts'
import type { FollowerMethods, LeaderMethods, ModelView } from './tab-methods.ts'
import { watchSilence } from './watch-silence.ts'

/** The engine of another tab. Methods that answer at once do so from the newest view that the leader has sent. */
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

  const methods: FollowerMethods = {
    readFiles: (manifest) => (files.get(modelKey(manifest)) ?? (() => options.readFiles(manifest)))(),
    onDevice(newest) {
      report = newest
      events.onDevice?.(newest)
    },
    onRuntime: (progress) => events.onRuntime?.(progress),
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

  const silence = watchSilence({ ping: () => link.methods.ping(), onSilence })
  const ask: AskLeader = (call) => silence.during(() => call(link.methods))
  const held = createHeldByLeader(ask)

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
    await held.look()
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

  return {
    async measure(again) {
      const measured = await ask((leader) => leader.measure(again))
      await look()
      return measured
    },
    // The tab that leads has a runtime, or will when it loads the model.
    anticipate: async () => {},
    async check(manifest, wantedTokens) {
      manifests.set(modelKey(manifest), manifest)
      await ask((leader) => leader.check(manifest, wantedTokens))
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
    write: (manifest, request, { onEvents, signal }) =>
      asWorker(ask((leader) => leader.write(manifest, request, { onEvents, signal }))),
    hold(plan, readFiles) {
      for (const { manifest } of plan.steps) files.set(modelKey(manifest), () => readFiles(manifest))
      return held.hold(plan, readFiles)
    },
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
      silence.stop()
      held.clear()
      link.close(new LeaderGone('the tab that leads has gone'))
    },
  }
}
