import type { Progress } from '../../contracts/model-state.ts'

/** Time over which the speed is measured: short enough to follow the link, long enough not to jump. */
const windowMs = 5_000
/** Between two reports: each one crosses to the page. */
const reportEveryMs = 100
/** A speed from less than this would be a guess. */
const leastMs = 400

export interface ProgressMeterOptions {
  readonly totalBytes: number
  readonly onProgress: (progress: Progress) => void
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number
}

/**
 * Turns raw byte counts into reports for people: never over the total, ten a second at most, with the speed over the
 * last seconds and the time left at it. Bytes that were stored before the download began count as loaded, and not as speed.
 */
export function createProgressMeter({ totalBytes, onProgress, now }: ProgressMeterOptions) {
  let samples: { readonly at: number; readonly bytes: number }[] = []
  let reportedAt = Number.NEGATIVE_INFINITY
  let reported = -1

  const speedOf = (at: number, bytes: number): number | undefined => {
    const first = samples[0]
    if (first === undefined || at - first.at < leastMs || bytes <= first.bytes) return undefined
    return ((bytes - first.bytes) / (at - first.at)) * 1000
  }

  return {
    /** @param moved false when the bytes did not come over the wire just now: they are no sign of speed */
    report(bytes: number, moved = true) {
      const at = now()
      const loadedBytes = Math.min(bytes, totalBytes)
      const last = samples.at(-1)
      // Bytes found in the store, and a file that started over, say nothing of the link.
      if (!moved || (last !== undefined && bytes < last.bytes)) samples = []
      samples.push({ at, bytes })
      while (samples.length > 2 && at - (samples[1]?.at ?? at) >= windowMs) samples.shift()
      const isEnd = loadedBytes === totalBytes
      if (loadedBytes === reported || (!isEnd && loadedBytes > reported && at - reportedAt < reportEveryMs)) return
      reportedAt = at
      reported = loadedBytes
      const bytesPerSecond = speedOf(at, bytes)
      onProgress({
        loadedBytes,
        totalBytes,
        ...(bytesPerSecond === undefined
          ? {}
          : { bytesPerSecond, remainingMs: ((totalBytes - loadedBytes) / bytesPerSecond) * 1000 }),
      })
    },
  }
}
