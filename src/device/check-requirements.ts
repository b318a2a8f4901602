import type { ModelRequirements } from '../contracts/manifest.ts'
import type { AdapterFacts } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'

/** What a device offers, as far as it is known without running anything. */
export interface DeviceOffer {
  /** The WebGPU adapter; undefined where there is none. */
  readonly adapter: AdapterFacts | undefined
  /** Memory that models may take, in bytes. */
  readonly memoryBytes: number
}

const toMegabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`

/** Why a backend cannot run a model with these requirements; undefined when it can, as far as is known. */
function lackOf(backend: Backend, needs: ModelRequirements, { adapter }: DeviceOffer): string | undefined {
  if (needs.backends !== undefined && !needs.backends.includes(backend)) {
    return `it runs on ${needs.backends.join(' or ')} only`
  }
  if (backend !== 'webgpu') return undefined
  if (adapter === undefined) return 'this browser offers no WebGPU'
  if (needs.shaderF16 && !adapter.shaderF16) return 'it needs 16-bit floats, which this graphics processor lacks'
  const { maxBufferBytes = 0 } = needs
  if (maxBufferBytes > adapter.maxBufferBytes) {
    return `it needs buffers of ${toMegabytes(maxBufferBytes)}, and this graphics processor allows ${toMegabytes(adapter.maxBufferBytes)}`
  }
  return undefined
}

/** The backends that can run a model here, or the reason why none can. */
export type RequirementsCheck =
  | { readonly backends: readonly Backend[] }
  | { readonly backends: readonly []; readonly lack: string }

/**
 * Holds what a model needs against what the device offers, before anything of the model is downloaded.
 *
 * @param memoryBytes what the model takes while it runs, estimated or stated
 * @returns the backends left of `allowed`; none, with a reason for people, when it cannot run here
 */
export function checkRequirements(
  allowed: readonly Backend[],
  needs: ModelRequirements,
  memoryBytes: number,
  offer: DeviceOffer,
): RequirementsCheck {
  if (memoryBytes > offer.memoryBytes) {
    const lack = `it needs ${toMegabytes(memoryBytes)} of memory, and models may take ${toMegabytes(offer.memoryBytes)} here`
    return { backends: [], lack }
  }
  const checked = allowed.map((backend) => ({ backend, lack: lackOf(backend, needs, offer) }))
  const backends = checked.filter(({ lack }) => lack === undefined).map(({ backend }) => backend)
  if (backends.length > 0) return { backends }
  // The backend that the model asks for says best what is missing.
  const wanted = checked.find(({ backend }) => needs.backends?.includes(backend)) ?? checked[0]
  return { backends: [], lack: wanted?.lack ?? 'no backend is allowed' }
}
