import type { Manifest } from '../contracts/manifest.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { BackendSetup } from '../device/backend-setups.ts'
import { ModelError } from '../errors/model-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import { lazyPart } from '../utils/lazy-part.ts'
import { tensorBuffers } from '../utils/tensor-buffers.ts'
import type { DeviceKnowledge } from './device-knowledge.ts'
import type { EdgeHost } from './edge-host.ts'
import type { ReadFiles } from './edge-types.ts'
import type { ModelLoader } from './model-loader.ts'
import type { ModelSlot, ModelSlots } from './model-slots.ts'

/** Inputs of a real run that are kept for a comparison are no larger. */
const mostSampleBytes = 16 * 1024 * 1024

/** Whether a model's answers on WebGPU and WebNN can be told from wrong ones. */
export type Reference =
  /** Its canary, or an answer of WASM is known. */
  | 'known'
  /** WASM runs it, but gives nothing to compare with: it takes none of the inputs, or answers differently each time. */
  | 'none'
  /** WASM does not run it. */
  | 'impossible'

/**
 * WASM is what other backends are held against: a model without a canary gets one of its own, an answer of WASM to
 * inputs that are made up. It is kept for later visits; inputs of a person's never are.
 */
export interface ModelTrust {
  /**
   * Finds out what the model answers on WASM, unless that is known. Never rejects.
   *
   * @param wasm where to load it for that; undefined where WASM may not run it
   */
  prepare(manifest: Manifest, wasm: BackendSetup | undefined, readFiles: ReadFiles): Promise<Reference>
  /**
   * Holds a loaded model against what is known of its answers.
   *
   * @throws {ModelError} `model-wrong-answer`; it is not loaded on this backend again
   * @throws {EdgeError} it does not run there
   */
  verify(manifest: Manifest, setup: BackendSetup, host: EdgeHost): Promise<void>
  /** Compares two places of a model on the same inputs: made-up ones, and those of a real run where there was one. */
  compare(now: ModelSlot, other: ModelSlot): Promise<'same' | 'different' | 'unknown'>
  /** A copy of a run's inputs, where one is wanted for a comparison. */
  sampleOf(slot: ModelSlot, inputs: TensorMap): TensorMap | undefined
}

export function createModelTrust(engine: {
  readonly slots: ModelSlots
  readonly knowledge: DeviceKnowledge
  readonly loader: ModelLoader
  /** Backends that models are held against WASM on. */
  readonly hasOthers: boolean
}): ModelTrust {
  const { slots, knowledge, loader, hasOthers } = engine
  /** Models that gave no reference: not tried again until the client is closed. */
  const without = new Map<string, Reference>()
  const code = lazyPart('compares backends', () => import('./hold-against-wasm.ts'))

  const refuse = (message: string, { backend }: BackendSetup, cause?: unknown) =>
    new ModelError(cause === undefined ? 'model-wrong-answer' : 'model-load-failed', message, {
      cause,
      context: { backend },
    })

  return {
    async prepare(manifest, wasm, readFiles) {
      const key = modelKey(manifest)
      if (manifest.canary !== undefined || knowledge.reference(key) !== undefined) return 'known'
      const before = without.get(key)
      if (before !== undefined) return before
      if (wasm === undefined) return 'impossible'
      const part = await code.get().catch(() => undefined)
      if (part === undefined) return 'none'
      let found: Reference = 'impossible'
      try {
        const serving = slots.find(key)
        const isThere = serving?.setup.backend === 'wasm'
        const slot = isThere
          ? serving
          : await loader.loadOn(wasm, manifest, readFiles, { purpose: 'compare', warmsUp: false })
        found = 'none'
        const reference = await part
          .makeReference(manifest, slot.host)
          .finally(() => (isThere ? undefined : loader.unload(slot)))
        if (reference !== undefined) {
          knowledge.learnReference(key, reference)
          return 'known'
        }
      } catch {
        // What does not load or run is found out where it is to serve.
      }
      without.set(key, found)
      return found
    },
    async verify(manifest, setup, host) {
      const key = modelKey(manifest)
      const reference = knowledge.reference(key)
      if (setup.backend === 'wasm' || manifest.canary !== undefined || reference === undefined) return
      const part = await code.get().catch((cause) => {
        throw refuse('What compares this backend with WebAssembly could not be fetched.', setup, cause)
      })
      if (await part.isAsReference(reference, manifest, host)) return
      knowledge.distrust(key, setup.backend)
      throw refuse('This backend answers otherwise than WebAssembly, so the model does not run on it.', setup)
    },
    async compare(now, other) {
      const { key, manifest, sample } = now
      const backends = [now.setup.backend, other.setup.backend]
      if (backends.every((backend) => backend === 'wasm')) return 'same'
      const reference = knowledge.reference(key)
      if (reference === undefined && sample === undefined) return manifest.canary === undefined ? 'unknown' : 'same'
      const { agreesOn, inputsOf } = await code.get()
      const inputs = [reference && inputsOf(reference, manifest), sample].filter((given) => given !== undefined)
      if (await agreesOn(inputs, manifest, [now.host, other.host])) return 'same'
      for (const backend of backends) if (backend !== 'wasm') knowledge.distrust(key, backend)
      return 'different'
    },
    sampleOf(slot, inputs) {
      if (!hasOthers || slot.sample !== undefined || slot.isSettled) return undefined
      const bytes = tensorBuffers(inputs).reduce((sum, buffer) => sum + buffer.byteLength, 0)
      return bytes > mostSampleBytes ? undefined : structuredClone(inputs)
    },
  }
}
