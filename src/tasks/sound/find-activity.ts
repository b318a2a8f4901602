import type { ActivityDecoding } from '../../contracts/decoding.ts'

/** A stretch of sound, in milliseconds from its beginning. */
export interface SoundSegment {
  readonly startMs: number
  readonly endMs: number
}

/** Finds stretches in probabilities that come one by one. */
export interface ActivityFinder {
  /** Is it going on after this window? */
  push(probability: number): boolean
  /** The stretches so far; one that is still going on ends with the last window. */
  segments(): readonly SoundSegment[]
}

/**
 * Where in a sound something goes on. It begins at one probability and ends below a lower one, so that it does not
 * flicker between them; short pauses are bridged, short bursts left out.
 *
 * @param windowMs length of a window
 */
export function createActivityFinder(decoding: ActivityDecoding, windowMs: number): ActivityFinder {
  const { from, until, minPauseMs, minLengthMs } = decoding
  const found: SoundSegment[] = []
  let count = 0
  let startMs: number | undefined
  /** Where it may have ended: the pause that is going on began here. */
  let pauseMs: number | undefined

  const close = (endMs: number) => {
    if (startMs !== undefined && endMs - startMs >= minLengthMs) found.push({ startMs, endMs })
    startMs = undefined
    pauseMs = undefined
  }

  return {
    push(probability) {
      const atMs = count * windowMs
      count += 1
      if (probability >= from) {
        startMs ??= atMs
        pauseMs = undefined
      } else if (startMs !== undefined && probability < until) {
        pauseMs ??= atMs
        if (atMs + windowMs - pauseMs >= minPauseMs) close(pauseMs)
      }
      return startMs !== undefined && pauseMs === undefined
    },
    segments() {
      const endMs = pauseMs ?? count * windowMs
      const open = startMs !== undefined && endMs - startMs >= minLengthMs ? [{ startMs, endMs }] : []
      return [...found, ...open]
    },
  }
}
