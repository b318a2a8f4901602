import * as v from 'valibot'
import type { Manifest } from '../../contracts/manifest.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import { startAwakeTimer } from '../../utils/awake-timer.ts'
import { noDevice } from '../device-report.ts'
import type { EdgeEngine, EdgeEvents, ReadFiles } from '../edge-types.ts'
import { LeaderGone } from './leader-gone.ts'
import { type Locks, standForElection } from './leadership.ts'
import { openRemoteEdge } from './remote-edge.ts'
import { type EdgeService, serveEdge } from './serve-edge.ts'

/** A tab that neither leads nor has found a leader after this time seizes the lead. */
const findLeaderWithinMs = 1_200
const restMs = 200

const noticeSchema = v.variant('kind', [
  v.object({ kind: v.literal('who') }),
  v.object({ kind: v.literal('leader'), leader: v.string() }),
  v.object({ kind: v.literal('join'), leader: v.string(), tab: v.string() }),
  v.object({ kind: v.literal('joined'), leader: v.string(), tab: v.string() }),
])

const closedReason = () => new DOMException('The client was closed.', 'AbortError')

export interface SharedEdgeOptions extends EdgeEvents {
  /** Tabs with the same name share an engine: it says what they must agree on. */
  readonly name: string
  /** Makes this tab's own engine, once it leads. */
  readonly createOwn: (events: EdgeEvents) => EdgeEngine
  /** Reads a stored model: a tab that never loaded it may have to when the tab that did has ended. */
  readonly readFiles: (manifest: Manifest) => ReturnType<ReadFiles>
  readonly locks?: Locks | undefined
}

/**
 * One engine for all tabs of an origin: a model is in memory once, not once a tab. One tab leads and runs for all; the
 * others send it their runs. When it ends, or stops answering, another takes the lead, and what was under way is run
 * again there. Without Web Locks or BroadcastChannel each tab has its own engine.
 */
export function createSharedEdge(options: SharedEdgeOptions): EdgeEngine {
  const { name, createOwn, onDevice, onGone, onMoved } = options
  const locks = options.locks ?? globalThis.navigator?.locks
  if (locks === undefined || typeof BroadcastChannel === 'undefined') return createOwn({ onDevice, onGone, onMoved })

  const tab = crypto.randomUUID()
  const lifeLockOf = (follower: string) => `${name}/${follower}`
  const files = new Map<string, ReadFiles>()
  const services = new Map<string, EdgeService>()
  let own: EdgeEngine | undefined
  let remote: { readonly leader: string; readonly engine: EdgeEngine } | undefined
  const waiters: { readonly resolve: (engine: EdgeEngine) => void; readonly reject: (reason: unknown) => void }[] = []
  let start: (() => void) | undefined
  let stop = () => {}
  let closed = false
  let underWay = 0

  const current = () => own ?? remote?.engine
  const settleOn = (engine: EdgeEngine) => {
    for (const { resolve } of waiters.splice(0)) resolve(engine)
  }
  const tellAll = (tell: (events: EdgeService['events']) => void) => {
    for (const { events } of services.values()) tell(events)
  }
  const dropRemote = () => {
    remote?.engine.close()
    remote = undefined
  }

  start = () => {
    start = undefined
    const notices = new BroadcastChannel(name)
    const living = new AbortController()
    // Held as long as this tab lives: the leader sees by it when the tab has ended.
    locks
      .request(
        lifeLockOf(tab),
        { signal: living.signal },
        () =>
          new Promise<void>((resolve) => {
            living.signal.addEventListener('abort', () => resolve())
          }),
      )
      .catch(() => {})

    const leadership = standForElection(locks, name, {
      onLead() {
        stopSearch()
        dropRemote()
        own = createOwn({
          onDevice(report) {
            onDevice?.(report)
            tellAll((others) => others.onDevice(report))
          },
          onGone() {
            onGone?.()
            tellAll((others) => others.onGone())
          },
          onMoved(moved) {
            onMoved?.(moved)
            tellAll((others) => others.onMoved(moved))
          },
        })
        notices.postMessage({ kind: 'leader', leader: tab })
        settleOn(own)
        onGone?.() // what the former leader had loaded is not loaded here
      },
      onDeposed() {
        const former = own
        own = undefined
        for (const service of services.values()) service.close(new LeaderGone('another tab leads'))
        services.clear()
        onGone?.()
        search()
        // What this tab itself had under way is answered before its worker goes.
        const rest = setInterval(() => {
          if (underWay > 0 && !closed) return
          clearInterval(rest)
          former?.close()
        }, restMs)
      },
    })

    let stopSearch = () => {}
    const search = () => {
      stopSearch()
      stopSearch = startAwakeTimer(findLeaderWithinMs, () => leadership.seize())
      notices.postMessage({ kind: 'who' })
    }
    const join = (leader: string) => {
      if (own === undefined && remote?.leader !== leader) notices.postMessage({ kind: 'join', leader, tab })
    }
    const follow = (leader: string) => {
      if (own !== undefined || remote?.leader === leader) return
      stopSearch()
      dropRemote()
      const engine = openRemoteEdge({
        channelName: `${name}/${leader}/${tab}`,
        events: { onDevice, onGone, onMoved },
        readFiles: options.readFiles,
        onSilence: () => leadership.seize(),
      })
      remote = { leader, engine }
      settleOn(engine)
    }
    const serve = (follower: string) => {
      if (own === undefined) return
      services.get(follower)?.close(new LeaderGone('joined anew'))
      const service = serveEdge({
        edge: own,
        channelName: `${name}/${tab}/${follower}`,
        lifeLock: lifeLockOf(follower),
        locks,
        onEnd: () => services.delete(follower),
      })
      services.set(follower, service)
      // Only now is there someone to hear what the other tab says.
      notices.postMessage({ kind: 'joined', leader: tab, tab: follower })
    }

    notices.onmessage = ({ data }: MessageEvent<unknown>) => {
      const notice = v.safeParse(noticeSchema, data)
      if (!notice.success) return
      const { output } = notice
      if (output.kind === 'who' && own !== undefined) notices.postMessage({ kind: 'leader', leader: tab })
      if (output.kind === 'leader') join(output.leader)
      if (output.kind === 'join' && output.leader === tab) serve(output.tab)
      if (output.kind === 'joined' && output.tab === tab) follow(output.leader)
    }
    search()
    stop = () => {
      stopSearch()
      for (const service of services.values()) service.close(new LeaderGone('the tab was closed'))
      leadership.leave()
      living.abort()
      notices.close()
    }
  }

  const active = (): Promise<EdgeEngine> => {
    if (closed) return Promise.reject(closedReason())
    start?.()
    const engine = current()
    return engine === undefined
      ? new Promise((resolve, reject) => waiters.push({ resolve, reject }))
      : Promise.resolve(engine)
  }

  /** Does something at the leader; again at the next one, when the leader has gone meanwhile. */
  const attempt = async <T>(work: (engine: EdgeEngine, again: boolean) => Promise<T>): Promise<T> => {
    underWay += 1
    try {
      for (let again = false; ; again = true) {
        const engine = await active()
        try {
          return await work(engine, again)
        } catch (error) {
          if (!(error instanceof LeaderGone) || closed) throw error
        }
      }
    } finally {
      underWay -= 1
    }
  }
  const filesOf = (manifest: Manifest): ReadFiles =>
    files.get(modelKey(manifest)) ?? (() => options.readFiles(manifest))

  return {
    ready: (manifest) => attempt((engine) => engine.ready(manifest)).catch(() => {}),
    measure: (again) => attempt((engine) => engine.measure(again)).catch(() => []),
    anticipate: (manifest) => attempt((engine) => engine.anticipate(manifest)).catch(() => {}),
    check: (manifest) => attempt((engine) => engine.check(manifest)),
    load(manifest, readFiles) {
      files.set(modelKey(manifest), readFiles)
      return attempt((engine) => engine.load(manifest, readFiles))
    },
    loaded: (manifest) => current()?.loaded(manifest),
    run: (manifest, inputs, runOptions) =>
      attempt(async (engine, again) => {
        runOptions.signal?.throwIfAborted()
        if (again) await engine.load(manifest, filesOf(manifest))
        return engine.run(manifest, inputs, runOptions)
      }),
    hold: (plan, readFiles) => attempt((engine) => engine.hold(plan, readFiles)),
    waiting: (manifest) => current()?.waiting(manifest) ?? 0,
    busyForMs: (manifest) => current()?.busyForMs(manifest) ?? 0,
    unload: (manifest) => attempt((engine) => engine.unload(manifest)),
    forecast: (manifest) => current()?.forecast(manifest),
    report: () => current()?.report() ?? noDevice(),
    close() {
      if (closed) return
      closed = true
      start = undefined
      // The others are told first: what this tab ran for them goes on elsewhere.
      stop()
      dropRemote()
      own?.close()
      for (const { reject } of waiters.splice(0)) reject(closedReason())
    },
  }
}
