import type { BackendSetup } from './backend-setups.ts'

/**
 * A backend whose runtime file is larger and slower to start than WASM's must be predicted to run in at most this
 * share of WASM's time to come before it.
 */
const mustWinBy = 0.8

/** What is known of a setup's time for one model. */
export interface SetupTime {
  readonly setup: BackendSetup
  /** Milliseconds a run takes; undefined when nothing is known. */
  readonly ms: number | undefined
  /** The time is this model's own, from a warm-up here, and not a prediction from its complexity. */
  readonly known: boolean
}

/** A time as it is compared: predictions of what costs a larger runtime file have to win clearly. */
const comparedMs = ({ setup, ms, known }: SetupTime): number => {
  if (ms === undefined) return Number.POSITIVE_INFINITY
  return known || setup.backend === 'wasm' ? ms : ms / mustWinBy
}

/**
 * Setups in the order to try them, fastest first. Only what was measured can come before WASM: that an adapter
 * is there says nothing of its speed. So while WASM's own time is unknown, WASM comes first.
 */
export function rankSetups(times: readonly SetupTime[]): BackendSetup[] {
  const wasm = times.filter(({ setup }) => setup.backend === 'wasm')
  const wasmUnknown = wasm.length > 0 && wasm.every(({ ms }) => ms === undefined)
  const firstIfUnknown = ({ setup }: SetupTime) => (wasmUnknown && setup.backend === 'wasm' ? 0 : 1)
  return [...times]
    .sort((a, b) => firstIfUnknown(a) - firstIfUnknown(b) || comparedMs(a) - comparedMs(b) || 0)
    .map(({ setup }) => setup)
}

/** A setup in the loaded runtime is tried when it could be this much slower; a prediction is no better than that. */
const nearBy = 1.25

/**
 * The setup that a loaded model should be tried on next, because it may be faster than where it runs now:
 * undefined when the model is where it should be. What was tried once has a known time and is compared by it.
 *
 * @param loadedMs what a run takes where the model is loaded, from its warm-up
 */
export function worthTrying(
  loaded: BackendSetup,
  loadedMs: number,
  times: readonly SetupTime[],
): BackendSetup | undefined {
  const others = times.filter(({ setup }) => setup.backend !== loaded.backend || setup.threads !== loaded.threads)
  const promising = others.filter(({ setup, ms, known }) => {
    if (ms === undefined) return false
    if (known) return ms < loadedMs * 0.95
    return ms < loadedMs * (setup.backend === 'wasm' ? nearBy : mustWinBy)
  })
  return rankSetups(promising)[0]
}
