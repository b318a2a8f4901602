import type { BackendMeasurement } from '../contracts/measurements.ts'

/** Milliseconds a run of `macs` multiply-accumulates is predicted to take on a measured backend: fixed cost plus work over speed. */
export function predictRunMs(measurement: BackendMeasurement, macs: number): number | undefined {
  const { status, macsPerSecond, overheadMs } = measurement
  if (status !== 'measured' || macsPerSecond === undefined || overheadMs === undefined) return undefined
  const ms = overheadMs + (macs / macsPerSecond) * 1000
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined
}
