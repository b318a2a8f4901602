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
  /** Requests of which both times were measured. */
  readonly count: number
  /** Milliseconds that these saved in all; negative: it cost that much. */
  readonly savedMs: number
  /** Bytes that were not sent, or, against the edge, that were, by all requests that ran elsewhere. */
  readonly bytes: number
  /** Requests whose time on the other arm was predicted only, and what they saved if the predictions were right. */
  readonly predicted: { readonly count: number; readonly savedMs: number }
}

const bytesOf = (route: RouteRecord): number => route.known?.requestBytes ?? 0

/**
 * What a request took on an arm, or would have taken, as far as that was measured: it ran there; it was on its way there
 * when another run answered, which is the least that it would have taken; or its model was ready there later.
 */
export function measuredMs(route: RouteRecord, arm: 'edge' | 'cloud'): number | undefined {
  if (route.ran === arm) return route.actualMs
  const { other, attempts, parts } = route
  if (other?.arm !== arm) return undefined
  if (other.known === 'when-ready') return other.ms
  const started = attempts.find((attempt) => attempt.arm === arm && attempt.result === 'lost')?.startedMs ?? 0
  return (parts.prepareMs ?? 0) + started + other.ms
}

/**
 * Compares with one arm for all. Only what was measured counts as saved; what is predicted of the others, at the time of
 * the request, is summed up apart.
 */
function compare(routes: readonly RouteRecord[], always: 'edge' | 'cloud'): Comparison | undefined {
  let [count, savedMs, bytes] = [0, 0, 0]
  const predicted = { count: 0, savedMs: 0 }
  for (const route of routes) {
    const measured = measuredMs(route, always)
    const other = measured ?? route.predicted[always]?.meanMs
    if (other === undefined || !Number.isFinite(other)) continue
    const saved = other - route.actualMs
    if (measured === undefined) {
      predicted.count += 1
      predicted.savedMs += saved
    } else {
      count += 1
      savedMs += saved
    }
    if (route.ran !== always) bytes += bytesOf(route)
  }
  return count + predicted.count === 0 ? undefined : { count, savedMs, bytes, predicted }
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
