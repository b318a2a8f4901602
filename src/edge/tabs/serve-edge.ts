import type { Manifest } from '../../contracts/manifest.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import type { EdgeEngine, EdgeRunOptions, HeldModels } from '../edge-types.ts'
import type { SessionPlan } from '../session-plan.ts'
import type { ModelFiles, WorkerPlan } from '../worker-types.ts'
import { type ChannelCalls, openChannelCalls } from './channel-calls.ts'
import type { Locks } from './leadership.ts'

type RemoteRunOptions = Pick<EdgeRunOptions, 'timeoutMs'>

/** The leader's service for one follower. */
export interface EdgeService {
  /** Tells the follower what has changed. */
  tell(event: string, ...args: readonly unknown[]): void
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
  const holds = new Map<number, HeldModels>()
  let holdIds = 0
  let calls: ChannelCalls | undefined

  const filesOf = (manifest: Manifest) =>
    calls?.call<ModelFiles>('readFiles', [manifest]) ?? Promise.reject(new TypeError('the tab has gone'))
  const held = (holdId: number): HeldModels => {
    const hold = holds.get(holdId)
    if (hold === undefined) throw new TypeError('these models are not held')
    return hold
  }

  const opened = openChannelCalls(channelName, {
    ping: () => true,
    measure: (_, again?: boolean) => edge.measure(again),
    check: (_, manifest: Manifest) => edge.check(manifest),
    load: (_, manifest: Manifest) => edge.load(manifest, () => filesOf(manifest)),
    async run(signal, manifest: Manifest, inputs: TensorMap, runOptions: RemoteRunOptions) {
      if (edge.loaded(manifest) === undefined) await edge.load(manifest, () => filesOf(manifest))
      return edge.run(manifest, inputs, { ...runOptions, signal })
    },
    unload: (_, manifest: Manifest) => edge.unload(manifest),
    view: (_, manifests: readonly Manifest[]) => ({
      report: edge.report(),
      models: manifests.map((manifest) => ({
        loaded: edge.loaded(manifest),
        waiting: edge.waiting(manifest),
        forecast: edge.forecast(manifest),
      })),
    }),
    async hold(_, plan: SessionPlan) {
      const hold = await edge.hold(plan, filesOf)
      holdIds += 1
      holds.set(holdIds, hold)
      return { holdId: holdIds, backend: hold.backend }
    },
    release(_, holdId: number) {
      holds.get(holdId)?.release()
      holds.delete(holdId)
    },
    isHeld: (_, holdId: number, keys: readonly string[]) => {
      const hold = holds.get(holdId)
      return hold !== undefined && keys.every((key) => hold.host.has(key))
    },
    startSession: (_, holdId: number, sessionId: string, plan: WorkerPlan, state?: TensorMap) =>
      held(holdId).host.startSession(sessionId, plan, state),
    runSession: (signal, holdId: number, sessionId: string, inputs: TensorMap, runOptions: RemoteRunOptions) =>
      held(holdId).host.runSession(sessionId, inputs, { ...runOptions, signal }),
    closeSession: (_, holdId: number, sessionId: string) => holds.get(holdId)?.host.closeSession(sessionId),
  })
  calls = opened

  const end = (reason: unknown) => {
    if (calls === undefined) return
    calls = undefined
    opened.close(reason)
    for (const hold of holds.values()) hold.release()
    holds.clear()
    onEnd()
  }
  // Granted when the other tab has ended, however it did.
  locks.request(lifeLock, () => end(new DOMException('The tab has ended.', 'AbortError'))).catch(() => {})

  return {
    tell: (event, ...args) => void calls?.call(event, args).catch(() => {}),
    close: end,
  }
}
