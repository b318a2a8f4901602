import type { Manifest } from '../../contracts/manifest.ts'
import { modelKey } from '../../models/manifest/model-key.ts'
import { noDevice } from '../device-report.ts'
import type { EdgeEngine, EdgeEvents, ReadFiles } from '../edge-types.ts'
import { LeaderGone } from './leader-gone.ts'
import type { Locks } from './leadership.ts'
import { joinTabGroup, type TabGroup } from './tab-group.ts'

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
 * others send it their runs. When it ends, or stops answering, another takes the lead and makes the runs that were under
 * way again. Without Web Locks or BroadcastChannel each tab has its own engine.
 */
export function createSharedEdge(options: SharedEdgeOptions): EdgeEngine {
  const { name, createOwn, onDevice, onRuntime, onGone, onMoved } = options
  const events: EdgeEvents = { onDevice, onRuntime, onGone, onMoved }
  const locks = options.locks ?? globalThis.navigator?.locks
  if (locks === undefined || typeof BroadcastChannel === 'undefined') return createOwn(events)

  const files = new Map<string, ReadFiles>()
  const waiters: { readonly resolve: (engine: EdgeEngine) => void; readonly reject: (reason: unknown) => void }[] = []
  let group: TabGroup | undefined
  let closed = false
  let underWay = 0

  const join = () =>
    joinTabGroup({
      name,
      locks,
      createOwn,
      events,
      readFiles: options.readFiles,
      onEngine(engine) {
        for (const { resolve } of waiters.splice(0)) resolve(engine)
      },
      isBusy: () => underWay > 0 && !closed,
    })
  const current = () => group?.engine

  /** The engine that runs for this tab, as soon as there is one. */
  const active = (): Promise<EdgeEngine> => {
    if (closed) return Promise.reject(closedReason())
    group ??= join()
    const engine = current()
    return engine === undefined
      ? new Promise((resolve, reject) => waiters.push({ resolve, reject }))
      : Promise.resolve(engine)
  }

  /** Does the work at the leader, and again at the next one when the leader has gone meanwhile. */
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
    check: (manifest, wantedTokens) => attempt((engine) => engine.check(manifest, wantedTokens)),
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
    write: (...args) => attempt((engine) => engine.write(...args)),
    hold: (plan, readFiles) => attempt((engine) => engine.hold(plan, readFiles)),
    waiting: (manifest) => current()?.waiting(manifest) ?? 0,
    busyForMs: (manifest) => current()?.busyForMs(manifest) ?? 0,
    unload: (manifest) => attempt((engine) => engine.unload(manifest)),
    forecast: (manifest) => current()?.forecast(manifest),
    report: () => current()?.report() ?? noDevice(),
    close() {
      if (closed) return
      closed = true
      group?.close()
      for (const { reject } of waiters.splice(0)) reject(closedReason())
    },
  }
}
