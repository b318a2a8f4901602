import type { Backend } from '../../contracts/model-state.ts'

/** Backends that may be used where the site names none. */
export const defaultBackends: readonly Backend[] = ['wasm', 'webgpu', 'webnn']
