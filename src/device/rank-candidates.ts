import type { Candidate } from './candidates.ts'

/**
 * A backend whose runtime file is larger and slower to start than WASM's must be predicted to run in at most this
 * share of WASM's time to come before it.
 */
const mustWinBy = 0.8

/** What is known of a candidate's time for one model. */
export interface CandidateTime {
  readonly candidate: Candidate
  /** Milliseconds a run takes; undefined when nothing is known. */
  readonly ms: number | undefined
  /** The time is this model's own, from a warm-up here, and not a prediction from its complexity. */
  readonly known: boolean
}

/** A time as it is compared: predictions of what costs a larger runtime file have to win clearly. */
const comparedMs = ({ candidate, ms, known }: CandidateTime): number => {
  if (ms === undefined) return Number.POSITIVE_INFINITY
  return known || candidate.backend === 'wasm' ? ms : ms / mustWinBy
}

/**
 * Candidates in the order to try them, fastest first. Only what was measured can come before WASM: that an adapter
 * is there says nothing of its speed. So while WASM's own time is unknown, WASM comes first.
 */
export function rankCandidates(times: readonly CandidateTime[]): Candidate[] {
  const wasm = times.filter(({ candidate }) => candidate.backend === 'wasm')
  const wasmUnknown = wasm.length > 0 && wasm.every(({ ms }) => ms === undefined)
  const firstIfUnknown = ({ candidate }: CandidateTime) => (wasmUnknown && candidate.backend === 'wasm' ? 0 : 1)
  return [...times]
    .sort((a, b) => firstIfUnknown(a) - firstIfUnknown(b) || comparedMs(a) - comparedMs(b) || 0)
    .map(({ candidate }) => candidate)
}

/** A candidate in the loaded runtime is tried when it could be this much slower; a prediction is no better than that. */
const nearBy = 1.25

/**
 * The candidate that a loaded model should be tried on next, because it may be faster than where it runs now:
 * undefined when the model is where it should be. What was tried once has a known time and is compared by it.
 *
 * @param loadedMs what a run takes where the model is loaded, from its warm-up
 */
export function worthTrying(
  loaded: Candidate,
  loadedMs: number,
  times: readonly CandidateTime[],
): Candidate | undefined {
  const others = times.filter(
    ({ candidate }) => candidate.backend !== loaded.backend || candidate.threads !== loaded.threads,
  )
  const promising = others.filter(({ candidate, ms, known }) => {
    if (ms === undefined) return false
    if (known) return ms < loadedMs * 0.95
    return ms < loadedMs * (candidate.backend === 'wasm' ? nearBy : mustWinBy)
  })
  return rankCandidates(promising)[0]
}
