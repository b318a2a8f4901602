import type { Catalog, Manifest } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { abortable } from '../../utils/abortable.ts'
import { invariant } from '../../utils/invariant.ts'
import { memoizeAsync } from '../../utils/memoize-async.ts'
import type { Records } from '../chunks/open-records.ts'
import { modelKey } from '../manifest/model-key.ts'
import { parseCatalog, parseManifest } from '../manifest/parse-manifest.ts'
import { type FetchOptions, toFetchEnvironment } from '../transfer/fetch-environment.ts'
import { fetchJson } from '../transfer/fetch-json.ts'

export type CatalogEntry = Catalog['models'][number]
export type WithdrawnRevision = NonNullable<Catalog['withdrawn']>[number]

const noneWithdrawn: readonly WithdrawnRevision[] = []

export interface CatalogueOptions extends FetchOptions {
  /** Address of the catalogue; a relative one counts from this script's, so a worker is given an absolute one. */
  readonly url: string | URL
  /** Where the last good copies are kept, for when the network is gone. */
  readonly records: Records
  /** How long a file may take when there is no copy of it. Default 10 s. */
  readonly timeoutMs?: number
  /** How long it may take when there is one. Default 3 s. */
  readonly timeoutWithCopyMs?: number
  /** How long a copy serves before the network is asked again. Default 30 s. */
  readonly copyServesMs?: number
  /** Milliseconds on a clock that never goes back. Default: `performance.now`. */
  readonly now?: () => number
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
  const { records, timeoutMs = 10_000, timeoutWithCopyMs = 3_000, copyServesMs = 30_000 } = options
  const { now = () => performance.now() } = options
  const environment = toFetchEnvironment(options)
  const catalogUrl = new URL(options.url, globalThis.location?.href).href
  const baseUrls = new Map<string, string>()
  /** When copies began to stand in for the network, by address. */
  const copiesSince = new Map<string, number>()

  async function load<T>(
    url: string,
    key: string,
    parse: (value: unknown) => T,
    isOlder: (loaded: T, copy: T) => boolean = () => false,
  ): Promise<T> {
    const copy = await readCopy(key, parse)
    try {
      const value = await fetchJson(url, copy === undefined ? timeoutMs : timeoutWithCopyMs, environment)
      const parsed = parse(value)
      if (copy !== undefined && isOlder(parsed, copy)) return copy
      copiesSince.delete(url)
      // Best effort: the catalogue serves also where nothing can be written.
      await records.set(key, value).catch(() => {})
      return parsed
    } catch (error) {
      if (copy === undefined) throw error
      copiesSince.set(url, now())
      return copy
    }
  }

  async function readCopy<T>(key: string, parse: (value: unknown) => T): Promise<T | undefined> {
    try {
      const value = await records.get(key)
      return value === undefined ? undefined : parse(value)
    } catch {
      return undefined
    }
  }

  function parseEntry(entry: CatalogEntry, url: string, value: unknown): Manifest {
    const manifest = parseManifest(value, url)
    if (manifest.name === entry.name && manifest.revision === entry.revision) return manifest
    throw new ModelError(
      'manifest-invalid',
      `The manifest at ${url} is of ${modelKey(manifest)}, but the catalogue promises ${modelKey(entry)}.`,
    )
  }

  const catalogOf = memoizeAsync((url: string) =>
    load(
      url,
      `catalog/${url}`,
      (value) => parseCatalog(value, url),
      // Whoever can serve an old copy could bring back what was withdrawn.
      (loaded, copy) => (loaded.serial ?? 0) < (copy.serial ?? 0),
    ),
  )
  const entries = new Map<string, CatalogEntry>()
  const manifestAt = memoizeAsync((url: string) => {
    const entry = entries.get(url)
    invariant(entry !== undefined, `There is no entry for ${url}.`)
    return load(url, `manifest/${url}`, (value) => parseEntry(entry, url, value))
  })

  /** Lets the network be asked again once a copy has served for a while. */
  const forgetOldCopy = (url: string, memoized: { forget(url: string): void }) => {
    const since = copiesSince.get(url)
    if (since === undefined || now() - since < copyServesMs) return
    copiesSince.delete(url)
    memoized.forget(url)
  }

  const catalog = (): Promise<Catalog> => {
    forgetOldCopy(catalogUrl, catalogOf)
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
    forgetOldCopy(url, manifestAt)
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
