import type { Manifest, ModelVariant } from '../../contracts/manifest.ts'

/** The manifest with this variant's files in place of its own. */
export function withVariant(manifest: Manifest, variant: ModelVariant): Manifest {
  const { variants: _, ...base } = manifest
  const { name, ...own } = variant
  const { externalData, requires, precision, ...rest } = base
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  return { ...rest, ...given, variant: name } as Manifest
}

/** The manifest's own files, as if it had no variants. */
export function withoutVariants(manifest: Manifest): Manifest {
  const { variants: _, ...base } = manifest
  return base
}
