import type { Manifest } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import type { VariantOffer } from '../manifest/pick-variant.ts'
import type { ModelStore } from '../store/model-store.ts'
import type { Catalogue } from './catalogue.ts'
import type { OperatorWithdrawal } from './operator-withdrawals.ts'
import { createServingRevision, isSame } from './serving-revision.ts'
import { assertServes, createWithdrawals, isWithdrawn } from './withdrawals.ts'

/** A model that the person added. */
export interface AddedModel {
  readonly manifest: Manifest
  /** Its name was chosen, not drawn from a file's. */
  readonly isNamed: boolean
}

/** Which models there are, and which revision and variant of each one serves on this device. */
export interface ModelRegistry {
  /** Models of the catalogue, and those that the person added. */
  names(): Promise<readonly string[]>
  /**
   * The manifest that serves now. While the catalogue has a newer revision than what is stored, the stored one serves.
   *
   * @throws as `Catalogue.manifest`, and {ModelError} `model-withdrawn`
   */
  manifest(name: string): Promise<Manifest>
  /** The newer revision that the catalogue has, if it was not refused here. */
  newer(name: string): Promise<Manifest | undefined>
  /** True when the catalogue, as it was loaded last, has such a revision. The network is not asked again. */
  isOutdated(name: string): Promise<boolean>
  /** Absolute address that the files' paths are relative to; empty where they came from this device. */
  baseUrl(manifest: Manifest): Promise<string>
  /** Holds the serving revision while a newer one is fetched. */
  keepServing(name: string, revision: string): Promise<void>
  /** The newer revision serves from now on; the others are removed. */
  switchTo(manifest: Manifest): Promise<void>
  /** The newer revision failed here: its files are freed, and it is not tried again. */
  refuse(manifest: Manifest): Promise<void>
  /**
   * Where the catalogue has this revision; undefined when it has no model of this name.
   *
   * @throws {ModelError} `model-withdrawn`, `import-invalid`: the catalogue's model of this name and revision has other files
   */
  listed(manifest: Manifest): Promise<{ readonly baseUrl: string } | undefined>
  /** Which model has the name: `listed` where it is the catalogue's or another stored one; undefined where it is free. */
  ownerOf(name: string): Promise<'listed' | AddedModel | undefined>
  /** The models that the person added. */
  added(): Promise<readonly Manifest[]>
  /**
   * Lists a model that the person added, from now on. Its name must be free, or its own.
   *
   * @param isNamed the name was chosen, not drawn from a file's
   */
  add(manifest: Manifest, isNamed: boolean): Promise<void>
  /** Forgets a model that was added. */
  forget(name: string): Promise<void>
  /** Removes the stored revisions that were withdrawn. */
  purge(): Promise<void>
}

export function createModelRegistry(options: {
  readonly catalogue: Catalogue
  readonly store: ModelStore
  /** What the device has; asked when a model has variants. */
  readonly offer: () => Promise<VariantOffer>
  /** What operators withdrew beside the catalogue; the same array until it changes. */
  readonly withdrawnByOperators?: () => Promise<readonly OperatorWithdrawal[]>
}): ModelRegistry {
  const { catalogue, store, offer, withdrawnByOperators } = options
  const { notes } = store
  const withdrawals = createWithdrawals({ catalogue, store, byOperators: withdrawnByOperators })

  const serving = createServingRevision({ catalogue, store, offer, withdrawals })

  const added = async () =>
    [...(await notes.all()).values()].flatMap((note) => (note.added === undefined ? [] : [note.added.manifest]))

  return {
    async names() {
      const withdrawn = [...(await catalogue.withdrawn()), ...(await withdrawals.byOperators())]
      const listed = (await catalogue.list()).filter((entry) => !isWithdrawn(withdrawn, entry)).map(({ name }) => name)
      const own = (await added()).map(({ name }) => name)
      return [...new Set([...listed, ...own])]
    },
    manifest: serving.manifest,
    async newer(name) {
      if ((await notes.get(name)).added !== undefined) return undefined
      await catalogue.refresh()
      return serving.newer(name)
    },
    isOutdated: async (name) => (await serving.newer(name)) !== undefined,
    async baseUrl(of) {
      const { added: own } = await notes.get(of.name)
      if (own?.manifest.revision === of.revision) return own.baseUrl
      const record = (await store.records()).find(isSame(of))
      return record?.baseUrl ?? catalogue.baseUrl(of)
    },
    keepServing: (name, revision) => notes.change(name, { serving: revision }),
    async switchTo(to) {
      await notes.change(to.name, { serving: undefined })
      for (const record of await store.records()) {
        if (record.name === to.name && record.revision !== to.revision) await store.remove(record)
      }
    },
    async refuse(refused) {
      const { refused: before = [] } = await notes.get(refused.name)
      await notes.change(refused.name, { refused: [...new Set([...before, refused.revision])] })
      await store.remove(refused)
    },
    async listed(given) {
      const entries = await catalogue.list().catch(() => [])
      assertServes(await withdrawals.all(), given)
      const entry = entries.find(({ name }) => name === given.name)
      if (entry === undefined) return undefined
      if (entry.revision !== given.revision) return { baseUrl: '' }
      const known = await catalogue.manifest(given.name)
      const hashes = new Set([...known.files, ...(known.variants ?? []).flatMap(({ files }) => files)].map(hashOf))
      if (given.files.every((file) => hashes.has(hashOf(file)))) return { baseUrl: catalogue.baseUrl(known) }
      throw new ModelError(
        'import-invalid',
        `The catalogue has other files for ${given.name}, revision ${given.revision}.`,
      )
    },
    async ownerOf(name) {
      const { added: own } = await notes.get(name)
      if (own !== undefined) return { manifest: own.manifest, isNamed: own.isNamed === true }
      const listed = await catalogue.list().catch(() => [])
      const stored = await store.records()
      return [...listed, ...stored].some((model) => model.name === name) ? 'listed' : undefined
    },
    added,
    add: (manifest, isNamed) =>
      notes.change(manifest.name, { added: { manifest, baseUrl: '', ...(isNamed ? { isNamed } : {}) } }),
    forget: (name) => notes.change(name, { added: undefined }),
    purge: withdrawals.purge,
  }
}

const hashOf = ({ sha256 }: { readonly sha256: string }) => sha256
