import { ModelError } from '../../errors/model-error.ts'
import { parseManifest } from '../manifest/parse-manifest.ts'
import type { ModelStore } from '../store/model-store.ts'
import type { ModelRegistry } from './model-registry.ts'

/** A given file, by its path below the manifest. */
export interface ImportFile {
  readonly path: string
  readonly blob: Blob
}

/**
 * Stores a model from given files, without a network. Every byte is checked against the manifest, and the manifest
 * against the catalogue where it lists the same revision.
 *
 * @returns the model's name
 * @throws {ModelError} `manifest-invalid`, `import-invalid`, `model-withdrawn`, `storage-full`
 * @throws the signal's reason
 */
export async function importModel(
  value: unknown,
  files: readonly ImportFile[],
  options: { readonly store: ModelStore; readonly registry: ModelRegistry; readonly signal: AbortSignal },
): Promise<string> {
  const { store, registry, signal } = options
  const manifest = parseManifest(value, 'the import')
  const listed = await registry.listed(manifest)
  const given = manifest.files.map((file) => {
    const blob = files.find(({ path }) => path === file.path)?.blob
    if (blob !== undefined) return { file, blob }
    throw new ModelError('import-invalid', `The import lacks ${file.path} of ${manifest.name}.`)
  })
  await store.adopt(manifest, listed?.baseUrl ?? '', given, { signal })
  if (listed === undefined) await registry.add(manifest, '')
  return manifest.name
}
