import type { Link } from './link.ts'

/** Requests in flight, from whose missing answers a link learns that it has become slower. */
export interface OverdueRequests {
  /**
   * A request was sent.
   *
   * @param slowAfterMs when it counts as overdue: the 90th percentile of its predicted time
   * @returns to be called when the request has ended, however it ended
   */
  sent(request: { readonly requestBytes: number; readonly slowAfterMs: number }): () => void
  /** Teaches the link what is overdue by now. To be called before the link is relied on for another request. */
  teachLink(): void
}

/** An overdue request teaches again once it has waited this many times as long. */
const againAfter = 2

interface Sent {
  readonly requestBytes: number
  readonly atMs: number
  teachesAfterMs: number
}

/**
 * A link that has stopped gives no samples until a request fails, which takes up to half a minute; all requests until
 * then would follow the first one. So the oldest request in flight counts as given up at its present age. Only that
 * one: the others wait for the same reason, and would count it several times.
 *
 * @param now milliseconds since the epoch; default `Date.now`
 */
export function createOverdueRequests(
  link: Pick<Link, 'observeAtLeast'>,
  now: () => number = Date.now,
): OverdueRequests {
  const inFlight = new Set<Sent>()
  return {
    sent({ requestBytes, slowAfterMs }) {
      const sent = { requestBytes, atMs: now(), teachesAfterMs: slowAfterMs }
      inFlight.add(sent)
      return () => void inFlight.delete(sent)
    },
    teachLink() {
      const [oldest] = inFlight
      if (oldest === undefined) return
      const elapsedMs = now() - oldest.atMs
      if (!(elapsedMs > oldest.teachesAfterMs)) return
      oldest.teachesAfterMs = againAfter * elapsedMs
      link.observeAtLeast({ requestBytes: oldest.requestBytes, elapsedMs })
    },
  }
}
