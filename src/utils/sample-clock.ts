import * as v from 'valibot'

/** Fields of a stored snapshot from which a SampleClock continues. */
export const sampleClockEntries = {
  samples: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  observedAtMs: v.pipe(v.number(), v.finite()),
}

/** Counts a filter's samples, and dates the newest one. */
export interface SampleClock {
  readonly samples: number
  /** Undefined before the first sample. */
  readonly observedAtMs: number | undefined
  /** Age of the newest sample, up to `mostSeconds`. 0 before the first, and when the clock jumped back or is NaN. */
  ageSeconds(nowMs: number): number
  observe(nowMs: number): void
  restore(stored: { readonly samples: number; readonly observedAtMs: number }, nowMs: number): void
}

export function createSampleClock(mostSeconds: number): SampleClock {
  let samples = 0
  let observedAtMs: number | undefined
  return {
    get samples() {
      return samples
    },
    get observedAtMs() {
      return observedAtMs
    },
    ageSeconds(nowMs) {
      const age = observedAtMs === undefined ? 0 : (nowMs - observedAtMs) / 1000
      return age > 0 ? Math.min(age, mostSeconds) : 0
    },
    observe(nowMs) {
      samples += 1
      if (Number.isFinite(nowMs)) observedAtMs = nowMs
    },
    restore(stored, nowMs) {
      samples = stored.samples
      // A snapshot dated in the future, by a clock that ran ahead, would otherwise never age.
      observedAtMs = Math.min(stored.observedAtMs, nowMs)
    },
  }
}
