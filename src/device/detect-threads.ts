/**
 * WASM threads this browser allows: one unless the page is cross-origin isolated, else one per processor up to
 * `most`. Beyond four the small models of a browser gain nothing.
 */
export function detectThreads(
  environment: { readonly crossOriginIsolated: boolean; readonly hardwareConcurrency: number } = {
    crossOriginIsolated: globalThis.crossOriginIsolated === true,
    hardwareConcurrency: globalThis.navigator?.hardwareConcurrency ?? 1,
  },
  most = 4,
): number {
  if (!environment.crossOriginIsolated || typeof SharedArrayBuffer === 'undefined') return 1
  return Math.max(1, Math.min(most, environment.hardwareConcurrency))
}
