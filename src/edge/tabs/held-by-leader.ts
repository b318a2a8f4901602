import { EdgeError } from '../../errors/edge-error.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import type { Remote } from '../../utils/calls/remote.ts'
import type { EdgeEngine, SessionHost } from '../edge-types.ts'
import { LeaderGone } from './leader-gone.ts'
import type { LeaderMethods } from './tab-methods.ts'

/** Makes a call to the leader. */
export type AskLeader = <T>(call: (leader: Remote<LeaderMethods>) => Promise<T>) => Promise<T>

/** To what has a state, the end of the leader's tab is the end of its worker: it goes on in another one. */
export const asWorker = <T>(promise: Promise<T>): Promise<T> =>
  promise.catch((error) => {
    if (!(error instanceof LeaderGone)) throw error
    throw new EdgeError('edge-crashed', 'The tab that ran the models has ended.', { cause: error })
  })

/** The models that the leader holds for this tab's sessions. */
export interface HeldByLeader {
  readonly hold: EdgeEngine['hold']
  /** Asks the leader which of them it still holds. */
  look(): Promise<void>
  clear(): void
}

export function createHeldByLeader(ask: AskLeader): HeldByLeader {
  /** The keys of the models of each hold, by the leader's method that says whether all of them are still loaded. */
  const keysOf = new Map<(keys: readonly string[]) => Promise<boolean>, readonly string[]>()

  return {
    async hold(plan, readFiles) {
      const lent = await ask((leader) => leader.hold(plan, readFiles))
      keysOf.set(
        lent.has,
        plan.steps.map(({ manifest }) => modelKey(manifest)),
      )
      const host: SessionHost = {
        has: (key) => keysOf.get(lent.has)?.includes(key) ?? false,
        startSession: (...args) => asWorker(ask(() => lent.startSession(...args))),
        runSession: (sessionId, inputs, { timeoutMs, signal }) =>
          asWorker(ask(() => lent.runSession(sessionId, inputs, { timeoutMs, signal }))),
        closeSession: (sessionId) => ask(() => lent.closeSession(sessionId)).catch(() => {}),
      }
      return {
        backend: lent.backend,
        host,
        release() {
          keysOf.delete(lent.has)
          ask(() => lent.release()).catch(() => {})
        },
      }
    },
    async look() {
      for (const [has, keys] of keysOf) {
        if (!(await ask(() => has(keys)))) keysOf.delete(has)
      }
    },
    clear: () => keysOf.clear(),
  }
}
