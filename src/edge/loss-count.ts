import type { Backend } from '../contracts/model-state.ts'
import type { DeviceKnowledge } from './device-knowledge.ts'
import type { EdgeHost } from './edge-host.ts'

/** WebGPU is not used until the client is closed once its worker has died this often. */
const mostLosses = 2

/**
 * Counts the deaths of the worker that runs on WebGPU, and sets WebGPU aside after too many where WASM can take over.
 *
 * @returns counts the death of a worker
 */
export function createLossCount(
  backends: readonly Backend[],
  knowledge: Pick<DeviceKnowledge, 'quarantine'>,
): (host: Pick<EdgeHost, 'flavor'>) => void {
  let losses = 0
  return ({ flavor }) => {
    if (flavor === 'wasm') return
    losses += 1
    if (losses >= mostLosses && backends.includes('wasm')) knowledge.quarantine('webgpu', 'lost')
  }
}
