import type { Manifest } from '../../contracts/manifest.ts'
import type { Backend } from '../../contracts/model-state.ts'
import { checkRequirements, type DeviceOffer } from '../../device/check-requirements.ts'
import { modelMemory } from './model-memory.ts'
import { withoutVariants, withVariant } from './with-variant.ts'

/** What a variant is held against. */
export interface VariantOffer extends DeviceOffer {
  /** The backends that may be used. */
  readonly backends: readonly Backend[]
}

const canRun = (manifest: Manifest, offer: VariantOffer): boolean => {
  const needs = manifest.requires ?? {}
  const memoryBytes = modelMemory(manifest)
  // An adapter that computes on the processor has what a variant asks for, and none of the speed it was made for.
  const adapter = offer.adapter?.software ? undefined : offer.adapter
  return checkRequirements(offer.backends, needs, memoryBytes, { ...offer, adapter }).backends.length > 0
}

/**
 * The manifests of the variants that this device can run, the best first, and the manifest's own files last: those
 * are what runs anywhere.
 */
export function variantsFor(manifest: Manifest, offer: VariantOffer): readonly Manifest[] {
  const variants = (manifest.variants ?? []).map((variant) => withVariant(manifest, variant))
  return [...variants.filter((variant) => canRun(variant, offer)), withoutVariants(manifest)]
}
