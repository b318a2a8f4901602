import type { LinkReport } from '../../index.ts'

/** The link as it was at a time. A figure is absent until it was measured. */
export interface LinkMoment {
  /** Milliseconds since the epoch. */
  readonly atMs: number
  readonly roundTripMs?: number | undefined
  readonly uplinkBitsPerSecond?: number | undefined
  readonly downlinkBitsPerSecond?: number | undefined
}

export interface LinkHistory {
  /** The oldest first. */
  list(): readonly LinkMoment[]
  add(report: LinkReport): void
}

const mostMoments = 500

/** Keeps what was measured of the link while the page is open. A report that says nothing new is left out. */
export function createLinkHistory(now: () => number = Date.now): LinkHistory {
  const moments: LinkMoment[] = []
  return {
    list: () => moments,
    add({ roundTripMs, uplinkBitsPerSecond, downlinkBitsPerSecond }) {
      const last = moments.at(-1)
      if (roundTripMs === undefined && uplinkBitsPerSecond === undefined) return
      const same =
        last?.roundTripMs === roundTripMs &&
        last?.uplinkBitsPerSecond === uplinkBitsPerSecond &&
        last?.downlinkBitsPerSecond === downlinkBitsPerSecond
      if (same) return
      moments.push({ atMs: now(), roundTripMs, uplinkBitsPerSecond, downlinkBitsPerSecond })
      if (moments.length > mostMoments) moments.shift()
    },
  }
}
