import type { DeviceReport } from '../contracts/measurements.ts'

/** The report on a device of which nothing was measured yet. */
export const noDevice = (): DeviceReport => ({
  crossOriginIsolated: globalThis.crossOriginIsolated === true,
  hardwareConcurrency: globalThis.navigator?.hardwareConcurrency ?? 1,
  backends: [],
  runtimeFiles: [],
})
