import type { BackendMeasurement } from '../contracts/measurements.ts'

/** What WASM does on a laptop's processor: a run's fixed cost in milliseconds, and multiply-accumulates a second. */
const assumedWasm = { overheadMs: 1, macsPerSecond: 8e9 }

/** Milliseconds that a run of `macs` multiply-accumulates is assumed to take before this device was measured. */
export const assumeRunMs = (macs: number): number =>
  assumedWasm.overheadMs + (Math.max(0, macs) / assumedWasm.macsPerSecond) * 1000

/**
 * Milliseconds a run of `macs` multiply-accumulates is predicted to take on a measured backend: fixed cost plus work over
 * speed. Of WASM, a measurement that was cut short counts for a third of the logarithm of its speed, and what is assumed
 * for the rest: the moment was a busy one, and a large model would be predicted many times too slow.
 */
export function predictRunMs(measurement: BackendMeasurement, macs: number): number | undefined {
  const { backend, status, macsPerSecond, overheadMs, cutShort = false } = measurement
  if (status !== 'measured' || macsPerSecond === undefined || overheadMs === undefined) return undefined
  const speed =
    cutShort && backend === 'wasm' ? Math.cbrt(macsPerSecond * assumedWasm.macsPerSecond ** 2) : macsPerSecond
  const ms = overheadMs + (macs / speed) * 1000
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined
}
