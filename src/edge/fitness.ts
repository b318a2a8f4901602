import type { Manifest } from '../contracts/manifest.ts'
import type { AdapterFacts } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'
import { checkRequirements } from '../device/check-requirements.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import { modelMemory } from '../models/manifest/model-memory.ts'
import type { CrashMarks } from './crash-marks.ts'

/** Whether a model fits this device, as far as that is known without loading it. */
export interface Fitness {
  /** The backends that meet what the model needs. */
  backendsFor(manifest: Manifest): readonly Backend[]
  /** Loading it ended this tab more than once. */
  isSetAside(manifest: Manifest): boolean
  /**
   * @param wantedTokens of prompt and answer together, of a model that writes text
   * @throws {CapabilityError} `model-unsupported` or `model-set-aside`, with what is missing
   */
  check(manifest: Manifest, wantedTokens?: number): void
}

export function createFitness(options: {
  readonly backends: readonly Backend[]
  readonly budgetBytes: number
  readonly marks: CrashMarks
  readonly adapter: () => AdapterFacts | undefined
}): Fitness {
  const { backends, budgetBytes, marks, adapter } = options
  const requirementsOf = (manifest: Manifest, wantedTokens?: number) =>
    checkRequirements(backends, manifest.requires ?? {}, modelMemory(manifest, wantedTokens), {
      adapter: adapter(),
      memoryBytes: budgetBytes,
    })
  const isSetAside = (manifest: Manifest) => marks.isSetAside(modelKey(manifest))

  return {
    backendsFor: (manifest) => requirementsOf(manifest).backends,
    isSetAside,
    check(manifest, wantedTokens) {
      const found = requirementsOf(manifest, wantedTokens)
      if ('lack' in found) {
        throw new CapabilityError('model-unsupported', `This device cannot run ${manifest.title}: ${found.lack}.`)
      }
      if (isSetAside(manifest)) {
        throw new CapabilityError(
          'model-set-aside',
          `Loading ${manifest.title} ended this page twice, so it is not loaded here. Remove the model to try again.`,
        )
      }
    },
  }
}
