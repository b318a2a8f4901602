import type { Link } from './link.ts'

/** What requests under way say by not being answered yet. */
export interface Silence {
  /**
   * A request was sent.
   *
   * @param slowAfterMs until then its silence says nothing: the 90th percentile of what was predicted
   * @returns call it when the request has ended, however it did
   */
  sent(request: { readonly requestBytes: number; readonly slowAfterMs: number }): () => void
  /** Takes in what is under way. To be called before the link is relied on for another request. */
  heed(): void
}

/** Silence is new again once it has lasted this many times as long as when it was last taken in. */
const againAfter = 2

interface Sent {
  readonly requestBytes: number
  readonly atMs: number
  heedAfterMs: number
}

/**
 * A link that has stopped answers nothing, so nothing is learned from it until a request fails, which takes up to half
 * a minute; all that come meanwhile would follow it. So the request that has been under way longest teaches what one
 * that was given up teaches: that it takes longer still. One request and not each: they all wait for the same reason.
 *
 * @param now milliseconds since the epoch; default `Date.now`
 */
export function createSilence(link: Pick<Link, 'observeAtLeast'>, now: () => number = Date.now): Silence {
  const underWay = new Set<Sent>()
  return {
    sent({ requestBytes, slowAfterMs }) {
      const sent = { requestBytes, atMs: now(), heedAfterMs: slowAfterMs }
      underWay.add(sent)
      return () => void underWay.delete(sent)
    },
    heed() {
      const [oldest] = underWay
      if (oldest === undefined) return
      const elapsedMs = now() - oldest.atMs
      if (!(elapsedMs > oldest.heedAfterMs)) return
      oldest.heedAfterMs = againAfter * elapsedMs
      link.observeAtLeast({ requestBytes: oldest.requestBytes, elapsedMs })
    },
  }
}
