import type { Manifest } from '../../contracts/manifest.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { type VariantOffer, variantsFor } from '../manifest/pick-variant.ts'
import type { ModelStore } from '../store/model-store.ts'
import type { Catalogue } from './catalogue.ts'
import { assertServes, isWithdrawn, type Withdrawals, withdrawnError } from './withdrawals.ts'

/** Decides which revision and variant of a model serves on this device. */
export interface ServingRevision {
  /**
   * The manifest that serves now. While the catalogue has a newer revision than what is stored, the stored one serves.
   *
   * @throws as `Catalogue.manifest`, and {ModelError} `model-withdrawn`
   */
  manifest(name: string): Promise<Manifest>
  /** The newer revision in the catalogue as it was loaded last, if it was not refused on this device. */
  newer(name: string): Promise<Manifest | undefined>
}

export function createServingRevision(options: {
  readonly catalogue: Catalogue
  readonly store: ModelStore
  /** What the device has; asked when a model has variants. */
  readonly offer: () => Promise<VariantOffer>
  readonly withdrawals: Withdrawals
}): ServingRevision {
  const { catalogue, store, offer, withdrawals } = options
  const { notes } = store

  const pick = async (manifest: Manifest): Promise<Manifest> => {
    if (manifest.variants === undefined) return manifest
    const candidates = variantsFor(manifest, await offer())
    for (const candidate of candidates) if ((await store.state(candidate)).status === 'stored') return candidate
    return candidates[0] ?? manifest
  }

  /** Stored revisions of a model that may still serve, the newest of them first. */
  const storedOf = async (name: string): Promise<readonly Manifest[]> => {
    const withdrawn = await withdrawals.all()
    const records = (await store.records())
      .filter((record) => record.name === name && !isWithdrawn(withdrawn, record))
      .toSorted((a, b) => b.storedAtMs - a.storedAtMs)
    const whole: Manifest[] = []
    for (const { manifest } of records) {
      if (manifest !== undefined && (await store.state(manifest)).status === 'stored') whole.push(manifest)
    }
    return whole
  }

  /** The revision that the catalogue has. */
  const newest = async (name: string): Promise<Manifest> => {
    const listed = await catalogue.manifest(name)
    assertServes(await withdrawals.byOperators(), listed)
    return pick(listed)
  }

  const manifest = async (name: string): Promise<Manifest> => {
    const note = await notes.get(name)
    if (note.added !== undefined) return pick(note.added.manifest)
    let latest: Manifest
    try {
      await withdrawals.purge()
      latest = await newest(name)
    } catch (error) {
      const [stored] = isHitherError(error) && error.code === 'catalog-unavailable' ? await storedOf(name) : []
      if (stored === undefined) {
        const gone = (await withdrawals.byOperators()).find((one) => one.name === name)
        throw gone === undefined ? error : withdrawnError(gone, name, gone.revision)
      }
      return stored
    }
    if (note.serving === undefined && (await store.state(latest)).status === 'stored') return latest
    const stored = await storedOf(name)
    return (
      stored.find(({ revision }) => revision === note.serving) ?? stored.find(isSame(latest)) ?? stored[0] ?? latest
    )
  }

  const newer = async (name: string): Promise<Manifest | undefined> => {
    const note = await notes.get(name)
    if (note.added !== undefined) return undefined
    const [serving, latest] = [await manifest(name), await newest(name)]
    return isSame(latest)(serving) || note.refused?.includes(latest.revision) ? undefined : latest
  }

  return { manifest, newer }
}

interface Named {
  readonly name: string
  readonly revision: string
}

export const isSame =
  (a: Named) =>
  (b: Named): boolean =>
    a.name === b.name && a.revision === b.revision
