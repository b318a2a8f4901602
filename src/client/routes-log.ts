import type { RouteRecord } from '../contracts/route.ts'

/** The records of the client's last requests. They hold nothing of a request's content. */
export interface RoutesLog {
  /** The newest last. */
  list(): readonly RouteRecord[]
  /** One record a line, as JSON: what a tool reads line by line. */
  toJsonLines(): string
  clear(): void
}

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
    toJsonLines: () => records.map((record) => `${JSON.stringify(record)}\n`).join(''),
    clear() {
      records = []
    },
  }
}
