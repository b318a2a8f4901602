import type { RouteRecord } from '../../index.ts'

/** What routing came to, over some requests. */
export interface RoutesSummary {
  readonly count: number
  /** Of them, those that the edge answered, 0 to 1. */
  readonly edgeShare: number
  readonly meanMs: number
  /** Against sending every request to the cloud. Undefined where nothing is known to compare with. */
  readonly againstCloud?: Comparison | undefined
  /** Against running every request at the edge. */
  readonly againstEdge?: Comparison | undefined
}

export interface Comparison {
  /** Requests for which the other arm's time is known or was predicted. */
  readonly count: number
  /** Milliseconds saved in all; negative: it cost that much. */
  readonly savedMs: number
  /** Bytes that were not sent, or, against the edge, that were. */
  readonly bytes: number
}

const bytesOf = (route: RouteRecord): number => route.known?.requestBytes ?? 0

/** Compares with one arm for all: what ran elsewhere is held against that arm's prediction at the time. */
function compare(routes: readonly RouteRecord[], always: 'edge' | 'cloud'): Comparison | undefined {
  let count = 0
  let savedMs = 0
  let bytes = 0
  for (const route of routes) {
    const elsewhere = route.ran !== always
    const other = elsewhere ? route.predicted[always]?.meanMs : route.actualMs
    if (other === undefined || !Number.isFinite(other)) continue
    count += 1
    savedMs += other - route.actualMs
    if (elsewhere) bytes += bytesOf(route)
  }
  return count === 0 ? undefined : { count, savedMs, bytes }
}

export function summarizeRoutes(routes: readonly RouteRecord[]): RoutesSummary {
  const count = routes.length
  return {
    count,
    edgeShare: count === 0 ? 0 : routes.filter(({ ran }) => ran === 'edge').length / count,
    meanMs: count === 0 ? 0 : routes.reduce((sum, { actualMs }) => sum + actualMs, 0) / count,
    againstCloud: compare(routes, 'cloud'),
    againstEdge: compare(routes, 'edge'),
  }
}
