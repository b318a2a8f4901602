/** Failures in a row after which an upstream is left out for a while. */
const failuresToEject = 5
/** The first time it is left out for this long, the second time for twice as long, and so on up to the most. */
const baseEjectionMs = 10_000
const maxEjectionMs = 300_000
/** Checks in a row that must fail before an upstream counts as down: one lost packet is not a death. */
const checksToFail = 2
/** An upstream that said it is overloaded gets requests last for the time it asked for, within these bounds. */
const backOffMs = { least: 250, most: 5_000 }
/** Weight of the newest answer in the mean time of answers. */
const newest = 0.2

/** What the gateway knows of an upstream's health and load, from its checks and from the answers of requests. */
export interface UpstreamState {
  /** Requests that are under way there. */
  readonly inFlight: number
  /** The last checks found it ready to serve. False before the first one. */
  readonly healthy: boolean
  /** Mean milliseconds of its answers, the newest weighing most; undefined before the first. */
  readonly answerMs: number | undefined
  /** Is it left out because requests to it failed in a row? */
  ejected(nowMs: number): boolean
  /** Did it say a moment ago that it is overloaded? */
  backingOff(nowMs: number): boolean
  overloaded(nowMs: number, retryAfterMs: number | undefined): void
  /** A request goes there. The function that comes back is called once, when it is over. */
  begin(): () => void
  /** @param ms undefined where its time says nothing of the next one's: a stream is as long as its text */
  succeeded(ms?: number): void
  /**
   * A request failed for the upstream's fault.
   *
   * @param mayEject false while so many others are left out that leaving out one more would do harm
   */
  failed(nowMs: number, mayEject: boolean): void
  checked(ready: boolean): void
}

export function createUpstreamState(): UpstreamState {
  let inFlight = 0
  let healthy = false
  let answerMs: number | undefined
  let failuresInARow = 0
  let failedChecks = 0
  let ejections = 0
  let ejectedUntilMs = Number.NEGATIVE_INFINITY
  let backOffUntilMs = Number.NEGATIVE_INFINITY
  return {
    get inFlight() {
      return inFlight
    },
    get healthy() {
      return healthy
    },
    get answerMs() {
      return answerMs
    },
    ejected: (nowMs) => nowMs < ejectedUntilMs,
    backingOff: (nowMs) => nowMs < backOffUntilMs,
    overloaded(nowMs, retryAfterMs = 0) {
      backOffUntilMs = nowMs + Math.min(backOffMs.most, Math.max(backOffMs.least, retryAfterMs))
    },
    begin() {
      inFlight += 1
      let over = false
      return () => {
        if (!over) inFlight -= 1
        over = true
      }
    },
    succeeded(ms) {
      if (ms !== undefined) answerMs = answerMs === undefined ? ms : answerMs + newest * (ms - answerMs)
      // Each answer earns back one ejection, but only after it was out: so a flapping upstream stays out longer.
      if (failuresInARow === 0 && ejections > 0) ejections -= 1
      failuresInARow = 0
    },
    failed(nowMs, mayEject) {
      failuresInARow += 1
      if (failuresInARow < failuresToEject || !mayEject || nowMs < ejectedUntilMs) return
      ejections += 1
      failuresInARow = 0
      ejectedUntilMs = nowMs + Math.min(maxEjectionMs, baseEjectionMs * ejections)
    },
    checked(ready) {
      failedChecks = ready ? 0 : failedChecks + 1
      if (ready) healthy = true
      else if (failedChecks >= checksToFail) healthy = false
    },
  }
}
