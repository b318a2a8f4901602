import type { RouteRecord } from '../contracts/route.ts'
import { toJson } from '../utils/to-json.ts'
import type { RoutesLog } from './types/client-types.ts'

/** Records that are kept; the oldest ones go first. */
const mostRecords = 1_000

export function createRoutesLog(): RoutesLog & { add(route: RouteRecord): void } {
  let records: RouteRecord[] = []
  return {
    add(route) {
      records.push(route)
      if (records.length > mostRecords) records.shift()
    },
    list: () => [...records],
    toJsonLines: () => records.map((record) => `${toJson(record)}\n`).join(''),
    clear() {
      records = []
    },
  }
}
