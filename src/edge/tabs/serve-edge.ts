import { errorCodec } from '../../utils/calls/error-codec.ts'
import { openLink } from '../../utils/calls/open-link.ts'
import type { EdgeEngine, HeldModels } from '../edge-types.ts'
import type { Locks } from './leadership.ts'
import type { FollowerMethods, LeaderMethods, PassedEvents } from './tab-methods.ts'

/** The leader's service for one follower. */
export interface EdgeService {
  /** Passes the engine's events on to the follower. */
  readonly events: PassedEvents
  close(reason: unknown): void
}

/**
 * Serves the leader's engine to another tab until that tab ends.
 *
 * @param channelName the channel of these two tabs alone
 * @param lifeLock the lock that the other tab holds as long as it lives
 */
export function serveEdge(options: {
  readonly edge: EdgeEngine
  readonly channelName: string
  readonly lifeLock: string
  readonly locks: Locks
  readonly onEnd: () => void
}): EdgeService {
  const { edge, channelName, lifeLock, locks, onEnd } = options
  const lent = new Set<HeldModels>()

  const methods: LeaderMethods = {
    ping: () => {},
    measure: (again) => edge.measure(again),
    check: (manifest, wantedTokens) => edge.check(manifest, wantedTokens),
    load: (manifest, readFiles) => edge.load(manifest, readFiles),
    async run(manifest, inputs, runOptions) {
      if (edge.loaded(manifest) === undefined) await edge.load(manifest, () => link.methods.readFiles(manifest))
      return edge.run(manifest, inputs, runOptions)
    },
    async write(manifest, request, writeOptions) {
      if (edge.loaded(manifest) === undefined) await edge.load(manifest, () => link.methods.readFiles(manifest))
      return edge.write(manifest, request, writeOptions)
    },
    unload: (manifest) => edge.unload(manifest),
    view: (manifests) => ({
      report: edge.report(),
      models: manifests.map((manifest) => ({
        loaded: edge.loaded(manifest),
        waiting: edge.waiting(manifest),
        forecast: edge.forecast(manifest),
      })),
    }),
    async hold(plan, readFiles) {
      const held = await edge.hold(plan, readFiles)
      const { backend, host } = held
      lent.add(held)
      return {
        backend,
        has: async (keys) => lent.has(held) && keys.every((key) => host.has(key)),
        startSession: host.startSession,
        runSession: host.runSession,
        closeSession: host.closeSession,
        async release() {
          if (lent.delete(held)) held.release()
        },
      }
    },
  }
  const link = openLink<FollowerMethods>(new BroadcastChannel(channelName), { methods, errors: errorCodec })

  const close = (reason: unknown) => {
    if (!link.alive) return
    link.close(reason)
    for (const held of lent) held.release()
    lent.clear()
    onEnd()
  }
  // Granted when the other tab has ended, however it did.
  locks.request(lifeLock, () => close(new DOMException('The tab has ended.', 'AbortError'))).catch(() => {})

  const pass = (sent: Promise<void>) => void sent.catch(() => {}) // a tab that has gone needs no event
  return {
    events: {
      onDevice: (report) => pass(link.methods.onDevice(report)),
      onRuntime: (progress) => pass(link.methods.onRuntime(progress)),
      onGone: () => pass(link.methods.onGone()),
      onMoved: (moved) => pass(link.methods.onMoved(moved)),
    },
    close,
  }
}
