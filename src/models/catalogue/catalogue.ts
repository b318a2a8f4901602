import type { Catalog, Manifest } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { abortable } from '../../utils/abortable.ts'
import { invariant } from '../../utils/invariant.ts'
import { memoizeAsync } from '../../utils/memoize-async.ts'
import { baseAddress } from '../../utils/page-address.ts'
import { modelKey } from '../manifest/model-key.ts'
import { parseCatalog, parseManifest } from '../manifest/parse-manifest.ts'
import { type CopiesOptions, createCopies } from './last-good-copies.ts'

export type CatalogEntry = Catalog['models'][number]
export type WithdrawnRevision = NonNullable<Catalog['withdrawn']>[number]

/** What the keys of catalogues' copies begin with. */
export const copyPrefix = 'catalog/'

const noneWithdrawn: readonly WithdrawnRevision[] = []

export interface CatalogueOptions extends CopiesOptions {
  /** Address of the catalogue; a relative one counts from this script's, so a worker is given an absolute one. */
  readonly url: string | URL
}

/** The models that this client can run. */
export interface Catalogue {
  /** @throws {ModelError} `catalog-unavailable` */
  list(options?: { readonly signal?: AbortSignal | undefined }): Promise<readonly CatalogEntry[]>
  /**
   * @throws {ValidationError} `unknown-model`; the sentence lists the known ones
   * @throws {ModelError} `catalog-unavailable`, `manifest-invalid`
   */
  manifest(name: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<Manifest>
  /** Revisions that must not run any more; the same array until the catalogue is loaded again. */
  withdrawn(): Promise<readonly WithdrawnRevision[]>
  /** Lets the network be asked again. */
  refresh(): Promise<void>
  /** Absolute address of a manifest that came from here: what its files' paths are relative to. */
  baseUrl(manifest: Manifest): string
}

/**
 * Opens a catalogue. The network comes first; the last good copy serves when the network is gone or the server
 * answers nonsense. What was loaded is remembered, a failure is not.
 */
export function createCatalogue(options: CatalogueOptions): Catalogue {
  const copies = createCopies(options)
  const catalogUrl = new URL(options.url, baseAddress()).href
  const baseUrls = new Map<string, string>()
  function parseEntry(entry: CatalogEntry, url: string, value: unknown): Manifest {
    const manifest = parseManifest(value, url)
    if (manifest.name === entry.name && manifest.revision === entry.revision) return manifest
    throw new ModelError(
      'manifest-invalid',
      `The manifest at ${url} is of ${modelKey(manifest)}, but the catalogue promises ${modelKey(entry)}.`,
    )
  }

  const catalogOf = memoizeAsync((url: string) =>
    copies.load(
      url,
      copyPrefix + url,
      (value) => parseCatalog(value, url),
      // An old catalogue would bring back what was withdrawn since.
      (loaded, copy) => (loaded.serial ?? 0) < (copy.serial ?? 0),
    ),
  )
  const entries = new Map<string, CatalogEntry>()
  const manifestAt = memoizeAsync((url: string) => {
    const entry = entries.get(url)
    invariant(entry !== undefined, `There is no entry for ${url}.`)
    return copies.load(url, `manifest/${url}`, (value) => parseEntry(entry, url, value))
  })

  const catalog = (): Promise<Catalog> => {
    if (copies.isStale(catalogUrl)) catalogOf.forget(catalogUrl)
    return catalogOf(catalogUrl)
  }
  const list = async (): Promise<readonly CatalogEntry[]> => (await catalog()).models

  const manifest = async (name: string): Promise<Manifest> => {
    const { models, withdrawn = noneWithdrawn } = await catalog()
    const entry = models.find((model) => model.name === name)
    if (entry === undefined) {
      const known = models.map((model) => `"${model.name}"`).join(', ')
      throw new ValidationError(
        'unknown-model',
        `There is no model "${name}". ${known === '' ? 'The catalogue is empty' : `The catalogue has ${known}`}.`,
      )
    }
    const gone = withdrawn.find((model) => model.name === name && model.revision === entry.revision)
    if (gone !== undefined) {
      const why = gone.reason === undefined ? '' : `: ${gone.reason}`
      throw new ModelError('model-withdrawn', `Revision ${gone.revision} of "${name}" was withdrawn${why}.`)
    }
    const url = toManifestUrl(entry, catalogUrl)
    const before = entries.get(url)
    if (before?.revision !== entry.revision || before.name !== entry.name) manifestAt.forget(url)
    entries.set(url, entry)
    if (copies.isStale(url)) manifestAt.forget(url)
    const loaded = await manifestAt(url)
    baseUrls.set(modelKey(loaded), url)
    return loaded
  }

  const baseUrl = (loaded: Manifest): string => {
    const url = baseUrls.get(modelKey(loaded))
    if (url !== undefined) return url
    throw new ValidationError('unknown-model', `The model "${loaded.name}" did not come from this catalogue.`)
  }

  return {
    list: ({ signal } = {}) => abortable(list(), signal),
    manifest: (name, { signal } = {}) => abortable(manifest(name), signal),
    withdrawn: async () => (await catalog()).withdrawn ?? noneWithdrawn,
    async refresh() {
      catalogOf.forget(catalogUrl)
      await catalog()
    },
    baseUrl,
  }
}

function toManifestUrl(entry: CatalogEntry, catalogUrl: string): string {
  const url = URL.canParse(entry.manifest, catalogUrl) ? new URL(entry.manifest, catalogUrl) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href
  throw new ModelError('manifest-invalid', `The catalogue's address for "${entry.name}" is not a web address.`)
}
