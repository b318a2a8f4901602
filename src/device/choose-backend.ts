import type { BackendMeasurement } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'

/**
 * WebGPU's runtime file is larger and slower to start than WASM's, so it must be predicted to run in at most this
 * share of WASM's time to be chosen.
 */
const webgpuMustWinBy = 0.8

/** Milliseconds a run of `macs` multiply-accumulates is predicted to take on a measured backend: fixed cost plus work over speed. */
export function predictRunMs(measurement: BackendMeasurement, macs: number): number | undefined {
  const { status, macsPerSecond, overheadMs } = measurement
  if (status !== 'measured' || macsPerSecond === undefined || overheadMs === undefined) return undefined
  const ms = overheadMs + (macs / macsPerSecond) * 1000
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined
}

/**
 * The backend that is predicted to run a model of `macs` multiply-accumulates fastest, among those allowed. Only
 * what was measured can be chosen over WASM: that an adapter is there says nothing of its speed.
 *
 * @returns undefined when none of the allowed backends can run
 */
export function chooseBackend(
  measurements: readonly BackendMeasurement[],
  macs: number,
  allowed: readonly Backend[],
): Backend | undefined {
  const usable = measurements.filter(({ backend, status }) => allowed.includes(backend) && status !== 'absent')
  const timeOf = (backend: Backend) => {
    const measurement = usable.find((candidate) => candidate.backend === backend)
    return measurement && predictRunMs(measurement, macs)
  }
  const wasmMs = timeOf('wasm')
  const webgpuMs = timeOf('webgpu')
  const hasWasm = usable.some(({ backend }) => backend === 'wasm')
  if (!hasWasm) return usable.find(({ backend }) => backend === 'webgpu')?.backend
  if (webgpuMs === undefined || wasmMs === undefined) return 'wasm'
  return webgpuMs < wasmMs * webgpuMustWinBy ? 'webgpu' : 'wasm'
}
