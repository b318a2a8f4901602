import { totalBytesOf } from '../../models/manifest/total-bytes.ts'
import type { Background } from '../background/create-background.ts'
import { downloadPaused, type EdgeModels } from '../edge/edge-models.ts'
import type { ModelEntry, ModelsApi } from '../types/models-types.ts'
import type { ModelUpdates } from './model-updates.ts'

type ExportToFolder = { readonly signal?: AbortSignal; readonly to: FileSystemDirectoryHandle }

/** The browser's storage manager, as far as models need it; missing on a page without https. */
type Storage = Partial<Pick<StorageManager, 'persist' | 'persisted' | 'estimate'>>

export function createModelsApi(parts: {
  readonly background: Background
  readonly edgeModels: EdgeModels
  readonly updates: ModelUpdates
  readonly open: () => Promise<void>
  readonly budgetBytes?: number | undefined
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal
  readonly storage?: Storage | undefined
}): ModelsApi {
  const { background, edgeModels, updates, open, budgetBytes, closing } = parts
  const { storage = globalThis.navigator?.storage as Storage | undefined } = parts

  const bounded = (signal: AbortSignal | undefined): AbortSignal =>
    signal === undefined ? closing : AbortSignal.any([signal, closing])
  const opened = async (model: string) => {
    await open()
    return background.manifest(model)
  }
  const protect = async (): Promise<boolean> => (await storage?.persist?.().catch(() => false)) ?? false

  const entryOf = async (name: string): Promise<ModelEntry> => {
    const [manifest, note] = [await background.manifest(name), await background.note(name)]
    const { revision, title, description, task, license, precision, variant } = manifest
    return {
      name,
      revision,
      title,
      description,
      task,
      license: {
        name: license.name,
        ...(license.url === undefined ? {} : { url: license.url }),
        mustAccept: license.mustAccept === true,
        accepted: note.accepted?.includes(revision) === true,
      },
      totalBytes: totalBytesOf(manifest),
      state: await edgeModels.state(manifest),
      pinned: note.pinned === true,
      added: note.added !== undefined,
      ...(precision === undefined ? {} : { precision }),
      ...(variant === undefined ? {} : { variant }),
    }
  }

  /** What brings models in and out, fetched when it is first asked for. */
  const exchange = async () =>
    (await import('./models-exchange.ts')).createModelsExchange({
      background,
      edgeModels,
      open,
      opened,
      bounded,
      entryOf,
    })
  async function exportModel(model: string, options: ExportToFolder): Promise<undefined>
  async function exportModel(model: string, options?: { readonly signal?: AbortSignal }): Promise<Blob>
  async function exportModel(model: string, options?: Partial<ExportToFolder>): Promise<Blob | undefined> {
    return (await exchange()).export(model, options)
  }

  return {
    async list({ signal } = {}) {
      signal?.throwIfAborted()
      await open()
      const entries = (await background.models()).map((name) =>
        // One model that cannot be described does not hide the others.
        entryOf(name).catch(() => undefined),
      )
      const found = (await Promise.all(entries)).filter((entry) => entry !== undefined)
      // What a client that is being closed can't describe is not gone from the catalogue.
      closing.throwIfAborted()
      if (found.length === 0 && entries.length > 0) await entryOf((await background.models())[0] ?? '')
      return found
    },
    state: async (model) => edgeModels.state(await opened(model)),
    async size(model) {
      const manifest = await opened(model)
      const stored = await background.storedState(model, manifest.revision)
      const totalBytes = totalBytesOf(manifest)
      if (stored.status === 'stored') return { storedBytes: totalBytes, totalBytes }
      return { storedBytes: stored.status === 'partial' ? stored.loadedBytes : 0, totalBytes }
    },
    async download(model, { signal, priority } = {}) {
      await edgeModels.download(await opened(model), { signal: bounded(signal), priority })
    },
    async pause(model) {
      const manifest = await opened(model)
      if ((await background.storedState(model, manifest.revision)).status === 'stored') return
      await background.changeNote(model, { paused: true })
      await edgeModels.stop(manifest, downloadPaused(manifest))
    },
    async resume(model) {
      const manifest = await opened(model)
      await background.changeNote(model, { paused: undefined })
      await edgeModels.reread(model)
      edgeModels.prepare(manifest).catch(() => {})
    },
    async remove(model) {
      await edgeModels.remove(await opened(model))
    },
    async pin(model) {
      // Asked first: what a click allows ends with the first wait.
      const asked = globalThis.navigator?.userActivation?.isActive === true ? protect() : undefined
      await opened(model)
      await background.changeNote(model, { pinned: true })
      await asked
    },
    async unpin(model) {
      await opened(model)
      await background.changeNote(model, { pinned: undefined })
    },
    async verify(model, { signal } = {}) {
      const { revision } = await opened(model)
      const report = await background.verify(model, revision, { signal: bounded(signal) })
      if (!report.ok) await edgeModels.reread(model)
      return report
    },
    async usage() {
      await open()
      const [usage, estimate, isProtected] = [
        await background.usage(),
        await storage?.estimate?.().catch(() => undefined),
        await storage?.persisted?.().catch(() => undefined),
      ]
      return { ...usage, protected: isProtected, budgetBytes, quotaBytes: estimate?.quota }
    },
    protect,
    async acceptLicense(model) {
      const { revision } = await opened(model)
      const { accepted = [] } = await background.note(model)
      await background.changeNote(model, { accepted: [...new Set([...accepted, revision])] })
      await edgeModels.reread(model)
    },
    export: exportModel,
    import: async (from, options) => (await exchange()).import(from, options),
    add: async (source, options) => (await exchange()).add(source, options),
    async update(model, { signal } = {}) {
      await opened(model)
      return updates.update(model, { signal: bounded(signal) })
    },
  }
}
