import type { Manifest } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { VariantOffer } from '../manifest/pick-variant.ts'
import type { ModelStore } from '../store/model-store.ts'
import type { Catalogue } from './catalogue.ts'
import type { OperatorWithdrawal } from './operator-withdrawals.ts'
import { createServingRevision, isSame } from './serving-revision.ts'
import { assertServes, createWithdrawals, isWithdrawn } from './withdrawals.ts'

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
  /** @throws {ValidationError} `model-exists`: the catalogue has a model of this name */
  assertFree(name: string): Promise<void>
  /** @throws {ValidationError} `model-exists` */
  add(manifest: Manifest, baseUrl: string): Promise<void>
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

  const assertFree = async (name: string) => {
    const listed = await catalogue.list().catch(() => [])
    if (!listed.some((model) => model.name === name)) return
    throw new ValidationError('model-exists', `The catalogue has a model "${name}" already. Choose another name.`)
  }

  return {
    async names() {
      const withdrawn = [...(await catalogue.withdrawn()), ...(await withdrawals.byOperators())]
      const listed = (await catalogue.list()).filter((entry) => !isWithdrawn(withdrawn, entry)).map(({ name }) => name)
      const added = [...(await notes.all())].filter(([, note]) => note.added !== undefined).map(([name]) => name)
      return [...new Set([...listed, ...added])]
    },
    manifest: serving.manifest,
    async newer(name) {
      if ((await notes.get(name)).added !== undefined) return undefined
      await catalogue.refresh()
      return serving.newer(name)
    },
    isOutdated: async (name) => (await serving.newer(name)) !== undefined,
    async baseUrl(of) {
      const { added } = await notes.get(of.name)
      if (added?.manifest.revision === of.revision) return added.baseUrl
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
    assertFree,
    async add(added, baseUrl) {
      await assertFree(added.name)
      await notes.change(added.name, { added: { manifest: added, baseUrl } })
    },
    forget: (name) => notes.change(name, { added: undefined }),
    purge: withdrawals.purge,
  }
}

const hashOf = ({ sha256 }: { readonly sha256: string }) => sha256
