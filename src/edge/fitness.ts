import type { Manifest } from '../contracts/manifest.ts'
import type { AdapterFacts } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'
import { checkRequirements } from '../device/check-requirements.ts'
import { estimateModelMemory } from '../device/memory-budget.ts'
import { CapabilityError } from '../errors/capability-error.ts'
import { modelKey } from '../models/manifest/model-key.ts'
import { totalBytesOf } from '../models/manifest/total-bytes.ts'
import type { CrashMarks } from './crash-marks.ts'

/** Whether a model fits this device, as far as that is known without loading it. */
export interface Fitness {
  /** Memory that the model takes, stated or estimated, in bytes. */
  memoryOf(manifest: Manifest): number
  /** The backends that meet what the model needs. */
  backendsFor(manifest: Manifest): readonly Backend[]
  /** Loading it ended this tab more than once. */
  isSetAside(manifest: Manifest): boolean
  /** @throws {CapabilityError} `model-unsupported` or `model-set-aside`, with what is missing */
  check(manifest: Manifest): void
}

export function createFitness(options: {
  readonly backends: readonly Backend[]
  readonly budgetBytes: number
  readonly marks: CrashMarks
  readonly adapter: () => AdapterFacts | undefined
}): Fitness {
  const { backends, budgetBytes, marks, adapter } = options
  const memoryOf = (manifest: Manifest) => manifest.requires?.memoryBytes ?? estimateModelMemory(totalBytesOf(manifest))
  const requirementsOf = (manifest: Manifest) =>
    checkRequirements(backends, manifest.requires ?? {}, memoryOf(manifest), {
      adapter: adapter(),
      memoryBytes: budgetBytes,
    })
  const isSetAside = (manifest: Manifest) => marks.isSetAside(modelKey(manifest))

  return {
    memoryOf,
    backendsFor: (manifest) => requirementsOf(manifest).backends,
    isSetAside,
    check(manifest) {
      const found = requirementsOf(manifest)
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
