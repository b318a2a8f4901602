/** True where WebAssembly can wait for a promise (JSPI), which the smaller of the two WebGPU runtime files needs. */
export const detectJspi = (): boolean => 'Suspending' in WebAssembly && 'promising' in WebAssembly
