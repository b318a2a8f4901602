import type { Manifest } from '../contracts/manifest.ts'
import type { TensorMap } from '../contracts/tensor.ts'
import type { BackendSetup } from '../device/backend-setups.ts'
import { isHitherError } from '../errors/hither-error.ts'
import { ModelError } from '../errors/model-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import { tensorBuffers } from '../utils/tensor-buffers.ts'
import { type AnswerSample, isSameAnswer, isTelling, sampleAnswer } from './compare-answers.ts'
import type { DeviceKnowledge } from './device-knowledge.ts'
import type { EdgeHost } from './edge-host.ts'
import type { ReadFiles } from './edge-types.ts'
import type { ModelLoader } from './model-loader.ts'
import type { ModelSlot, ModelSlots } from './model-slots.ts'
import { referenceInputs } from './reference-inputs.ts'

/** A run for comparison goes on while nobody waits, and may be of a model that was never timed. */
const runTimeoutMs = 60_000
/** What free dimensions are taken as, the first that the model takes: a short sequence, a small picture, one. */
const freeSizes = [4, 32, 1] as const
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

  const run = async (host: EdgeHost, key: string, inputs: TensorMap) =>
    (await host.run(key, inputs, { timeoutMs: runTimeoutMs })).outputs

  const makeReference = async (manifest: Manifest, host: EdgeHost) => {
    const key = modelKey(manifest)
    for (const freeSize of freeSizes) {
      try {
        const inputs = referenceInputs(manifest.inputs, freeSize)
        const answer = sampleAnswer(await run(host, key, inputs))
        const again = await run(host, key, inputs)
        if (!isTelling(answer) || !isSameAnswer(answer, again, 0)) continue
        knowledge.learnReference(key, { freeSize, answer })
        return
      } catch (error) {
        if (!isHitherError(error) || error.code !== 'edge-run-failed') throw error
      }
    }
  }

  return {
    async prepare(manifest, wasm, readFiles) {
      const key = modelKey(manifest)
      if (manifest.canary !== undefined || knowledge.reference(key) !== undefined) return 'known'
      const before = without.get(key)
      if (before !== undefined) return before
      if (wasm === undefined) return 'impossible'
      let found: Reference = 'impossible'
      try {
        const serving = slots.find(key)
        const isThere = serving?.setup.backend === 'wasm'
        const slot = isThere
          ? serving
          : await loader.loadOn(wasm, manifest, readFiles, { purpose: 'compare', warmsUp: false })
        found = 'none'
        await makeReference(manifest, slot.host).finally(() => (isThere ? undefined : loader.unload(slot)))
      } catch {
        // What does not load or run is found out where it is to serve.
      }
      if (knowledge.reference(key) !== undefined) return 'known'
      without.set(key, found)
      return found
    },
    async verify(manifest, { backend }, host) {
      const key = modelKey(manifest)
      const reference = knowledge.reference(key)
      if (backend === 'wasm' || manifest.canary !== undefined || reference === undefined) return
      const outputs = await run(host, key, referenceInputs(manifest.inputs, reference.freeSize))
      if (isSameAnswer(reference.answer, outputs, manifest.tolerance.absolute)) return
      knowledge.distrust(key, backend)
      throw new ModelError(
        'model-wrong-answer',
        'This backend answers otherwise than WebAssembly, so the model does not run on it.',
        { context: { backend } },
      )
    },
    async compare(now, other) {
      const { key, manifest, sample } = now
      const backends = [now.setup.backend, other.setup.backend]
      if (backends.every((backend) => backend === 'wasm')) return 'same'
      const reference = knowledge.reference(key)
      const inputs = [
        ...(reference === undefined ? [] : [referenceInputs(manifest.inputs, reference.freeSize)]),
        ...(sample === undefined ? [] : [sample]),
      ]
      if (inputs.length === 0) return manifest.canary === undefined ? 'unknown' : 'same'
      for (const given of inputs) {
        const expected: AnswerSample = sampleAnswer(await run(now.host, key, given))
        const got = await run(other.host, key, given)
        if (isSameAnswer(expected, got, manifest.tolerance.absolute)) continue
        for (const backend of backends) if (backend !== 'wasm') knowledge.distrust(key, backend)
        return 'different'
      }
      return 'same'
    },
    sampleOf(slot, inputs) {
      if (!hasOthers || slot.sample !== undefined || slot.isSettled) return undefined
      const bytes = tensorBuffers(inputs).reduce((sum, buffer) => sum + buffer.byteLength, 0)
      return bytes > mostSampleBytes ? undefined : structuredClone(inputs)
    },
  }
}
