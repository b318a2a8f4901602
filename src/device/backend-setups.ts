import type { BackendMeasurement } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'

/** One way to run a model on this device: a backend, and the WASM threads of the runtime that it runs in. */
export interface BackendSetup {
  readonly backend: Backend
  readonly threads: number
}

/** A setup's name: WASM with several threads and with one differ in speed, the other backends do not. */
export const setupId = ({ backend, threads }: BackendSetup): string =>
  backend === 'wasm' ? `wasm/${threads}` : backend

/**
 * The setups of a device. WASM with one thread is one of its own beside WASM with several: on a small model, or
 * on busy processors, waiting for each other costs threads more than they gain.
 *
 * @param threads what this browser allows, or what the site asked for
 * @param fixed the site asked for this count, so no other is tried
 */
export function setupsOf(backends: readonly Backend[], threads: number, fixed: boolean): BackendSetup[] {
  return backends.flatMap((backend): BackendSetup[] => {
    const all = { backend, threads }
    return backend === 'wasm' && threads > 1 && !fixed ? [all, { backend, threads: 1 }] : [all]
  })
}

/** The measurement of a setup, if there is one. */
export const measurementOf = (
  measurements: readonly BackendMeasurement[],
  { backend, threads }: BackendSetup,
): BackendMeasurement | undefined =>
  measurements.find(
    (measurement) =>
      measurement.backend === backend && (backend !== 'wasm' || (measurement.threads ?? threads) === threads),
  )
