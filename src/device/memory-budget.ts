const gibibyte = 2 ** 30

/** A WebAssembly memory addresses no more. */
const mostBytes = 4 * gibibyte
/** Where the browser does not say what the device has. */
const unknownDeviceBytes = 4 * gibibyte

/**
 * Bytes that models may take together by default: half of what the browser says the device has
 * (`navigator.deviceMemory`, in GiB, rounded and capped by the browser for privacy).
 */
export function defaultMemoryBudget(
  deviceMemory: number | undefined = (globalThis.navigator as (Navigator & { deviceMemory?: number }) | undefined)
    ?.deviceMemory,
): number {
  const deviceBytes = deviceMemory === undefined ? unknownDeviceBytes : deviceMemory * gibibyte
  return Math.min(mostBytes, Math.floor(deviceBytes / 2))
}

/**
 * Bytes a loaded model is estimated to take when its manifest does not say: its weights once, once more while the
 * runtime packs them for its kernels, and a share for activations.
 */
export const estimateModelMemory = (totalBytes: number): number => Math.ceil(totalBytes * 2.5) + 8_000_000
