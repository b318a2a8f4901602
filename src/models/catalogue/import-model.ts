import type { Manifest } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { toFilePath } from '../manifest/file-path.ts'
import { parseManifest } from '../manifest/parse-manifest.ts'
import type { ModelStore } from '../store/model-store.ts'
import { hasFiles, modelExists } from './model-exists.ts'
import type { ModelRegistry } from './model-registry.ts'
import { assertWeightsMatch } from './weights-fit.ts'

/** The very same files, none more and none less. */
const isSameModel = (a: Manifest, b: Manifest): boolean => hasFiles(a, b.files) && hasFiles(b, a.files)

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
 * @throws {ValidationError} `model-exists`: the person added another model of this name
 * @throws the signal's reason
 */
export async function importModel(
  value: unknown,
  files: readonly ImportFile[],
  options: { readonly store: ModelStore; readonly registry: ModelRegistry; readonly signal: AbortSignal },
): Promise<string> {
  const { store, registry, signal } = options
  const manifest = parseManifest(value, 'the import')
  const given = manifest.files.map((file) => {
    // Some systems write the letters of names in another way when they unpack them.
    const isIt = ({ path }: ImportFile) => toFilePath(path.normalize('NFC')) === toFilePath(file.path.normalize('NFC'))
    const blob = (files.find(({ path }) => path === file.path) ?? files.find(isIt))?.blob
    if (blob !== undefined) return { file, blob }
    throw new ModelError('import-invalid', `The import lacks ${file.path} of ${manifest.name}.`)
  })
  const { name } = manifest
  const graph = given.find(({ file }) => file.path === manifest.graph)?.blob
  if (graph !== undefined) await assertWeightsMatch(manifest, graph)
  await store.holdName(
    name,
    async () => {
      const listed = await registry.listed(manifest)
      const owner = listed === undefined ? await registry.ownerOf(name) : undefined
      if (owner !== undefined && (owner === 'listed' || !isSameModel(owner.manifest, manifest))) {
        throw await modelExists(name, registry)
      }
      await store.adopt(manifest, listed?.baseUrl ?? '', given, { signal })
      // Its manifest names it.
      if (listed === undefined) await registry.add(manifest, true)
      // The same bytes under another revision: one of them is enough.
      if (owner !== undefined && owner.manifest.revision !== manifest.revision) await store.remove(owner.manifest)
    },
    signal,
  )
  return name
}
