import type { RouteOther, RouteRecord } from '../contracts/route.ts'
import { toJson } from '../utils/to-json.ts'
import type { RoutesLog } from './types/client-types.ts'

/** Records that are kept; the oldest ones go first. */
const mostRecords = 1_000
/** Requests under way at a time whose other arm was done first. */
const mostEarly = 64

export interface KeptRoutes extends RoutesLog {
  /** @returns the record as it is kept */
  add(route: RouteRecord): RouteRecord
  /**
   * What the arm that did not answer would have taken was measured: the record says so from now on, or once it is added.
   *
   * @returns the new record; undefined where there is none now, or that arm did answer
   */
  measured(id: string, other: RouteOther): RouteRecord | undefined
}

export function createRoutesLog(): KeptRoutes {
  let records: RouteRecord[] = []
  /** Of requests that are not answered yet, by their ids. Those of requests that fail are never asked for. */
  const early = new Map<string, RouteOther>()
  const withOther = (route: RouteRecord, other: RouteOther | undefined) =>
    other === undefined || other.arm === route.ran ? route : { ...route, other }
  return {
    add(route) {
      const kept = withOther(route, early.get(route.id))
      early.delete(route.id)
      records.push(kept)
      if (records.length > mostRecords) records.shift()
      return kept
    },
    measured(id, other) {
      const at = records.findLastIndex((record) => record.id === id)
      const before = records[at]
      if (before === undefined) {
        early.set(id, other)
        for (const oldest of early.keys()) if (early.size > mostEarly) early.delete(oldest)
        return undefined
      }
      const after = withOther(before, other)
      if (after === before) return undefined
      records[at] = after
      return after
    },
    list: () => [...records],
    toJsonLines: () => records.map((record) => `${toJson(record)}\n`).join(''),
    clear() {
      records = []
    },
  }
}
