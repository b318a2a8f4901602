import * as v from 'valibot'
import { object } from '../../contracts/object-schemas.ts'
import type { LogFilter } from '../../utils/log-filter.ts'
import type { LogNormal } from '../../utils/log-normal.ts'
import { createServiceTimeEstimator } from './service-time-estimator.ts'

/** Priors: a small model on an average processor, the load of a runtime, a server nearby. */
const assumed = {
  edge: { medianMs: 60, variance: 1.5 },
  load: { medianMs: 1500, variance: 1 },
  cloud: { medianMs: 30, variance: 1 },
} as const

/** What is learned of: runs at the edge, loads at the edge, runs at the endpoint. */
type Kind = keyof typeof assumed

/** Estimators kept of each kind; the least recently used is dropped first. */
const mostRemembered = 64
/** The device may be busier or cooler than when the snapshot was taken. */
const extraVarianceAfterRestore = 0.05

const entriesSchema = v.pipe(
  v.array(v.tuple([v.pipe(v.string(), v.maxLength(300)), v.unknown()])),
  v.maxLength(mostRemembered),
)
const snapshotSchema = object({
  version: v.literal(1),
  edge: entriesSchema,
  load: entriesSchema,
  cloud: entriesSchema,
})

/**
 * The estimators of run and load times, one for each kind and each work, of which the least recently used are forgotten.
 *
 * @param onForgotten called with what was forgotten to make room
 */
export function createEstimators(onForgotten: (kind: Kind, key: string) => void) {
  const known: Record<Kind, Map<string, LogFilter>> = { edge: new Map(), load: new Map(), cloud: new Map() }
  /** What is said of work that nothing is known of. They never learn. */
  const unknown: Record<Kind, LogFilter> = {
    edge: createServiceTimeEstimator(assumed.edge),
    load: createServiceTimeEstimator(assumed.load),
    cloud: createServiceTimeEstimator(assumed.cloud),
  }

  /** The last estimator used of each kind: already at the end of its map. */
  let newest: Partial<Record<Kind, { readonly key: string; readonly estimator: LogFilter }>> = {}
  /** The estimator of this work: created on first use, moved to the end of the map on each use. */
  const of = (kind: Kind, key: string): LogFilter => {
    const map = known[kind]
    const last = newest[kind]
    if (last?.key === key) return last.estimator
    const estimator = map.get(key) ?? createServiceTimeEstimator(assumed[kind])
    newest[kind] = { key, estimator }
    map.delete(key)
    map.set(key, estimator)
    for (const oldest of map.keys()) {
      if (map.size <= mostRemembered) break
      map.delete(oldest)
      onForgotten(kind, oldest)
    }
    return estimator
  }
  /** The same for a look, which makes and forgets none that is kept. */
  const lookAt = (kind: Kind, key: string, prior?: LogNormal): LogFilter => {
    const found = known[kind].get(key)
    if (found !== undefined && (found.samples > 0 || prior === undefined)) return of(kind, key)
    if (prior === undefined) return unknown[kind]
    return createServiceTimeEstimator({ medianMs: Math.exp(prior.mu), variance: prior.variance })
  }

  return {
    of,
    lookAt,
    /** Measurements of this work so far. */
    samples: (kind: Kind, key: string): number => known[kind].get(key)?.samples ?? 0,
    has: (kind: Kind, key: string): boolean => known[kind].has(key),
    /** The estimates as plain JSON, to be stored. */
    snapshot() {
      const entriesOf = (kind: Kind) =>
        [...known[kind]].flatMap(([key, estimator]) => {
          const snapshot = estimator.snapshot()
          return snapshot === undefined ? [] : [[key, snapshot] as const]
        })
      return { version: 1, edge: entriesOf('edge'), load: entriesOf('load'), cloud: entriesOf('cloud') }
    },
    /** Continues from a stored snapshot, less certain for its age. Invalid entries are ignored. */
    restore(snapshot: unknown, nowMs: number) {
      const parsed = v.safeParse(snapshotSchema, snapshot)
      if (!parsed.success) return
      newest = {}
      for (const kind of ['edge', 'load', 'cloud'] as const) {
        for (const [key, entry] of parsed.output[kind]) {
          const estimator = createServiceTimeEstimator(assumed[kind])
          if (estimator.restore(entry, nowMs, extraVarianceAfterRestore)) known[kind].set(key, estimator)
        }
      }
    },
  }
}
