import { totalBytesOf } from '../../models/manifest/total-bytes.ts'
import { anySignal } from '../../utils/any-signal.ts'
import { type Lazy, lazy } from '../../utils/lazy.ts'
import { lazyPart } from '../../utils/lazy-part.ts'
import type { Background } from '../background/create-background.ts'
import { downloadPaused } from '../edge/download-paused.ts'
import type { EdgeModels } from '../edge/edge-models.ts'
import type { ModelsApi } from '../types/models-types.ts'
import { createModelEntries } from './model-entries.ts'
import type { ModelUpdates } from './model-updates.ts'

type ExportToFolder = { readonly signal?: AbortSignal; readonly to: FileSystemDirectoryHandle }

/** The browser's storage manager, as far as models need it; missing on a page without https. */
type Storage = Partial<Pick<StorageManager, 'persist' | 'persisted' | 'estimate'>>

export function createModelsApi(parts: {
  readonly background: Background
  readonly edgeModels: EdgeModels
  readonly updates: Lazy<ModelUpdates>
  readonly open: () => Promise<void>
  readonly budgetBytes?: number | undefined
  /** Aborts when the client is closed. */
  readonly closing: AbortSignal
  readonly storage?: Storage | undefined
}): ModelsApi {
  const { background, edgeModels, updates, open, budgetBytes, closing } = parts
  const { storage = globalThis.navigator?.storage as Storage | undefined } = parts

  const bounded = (signal: AbortSignal | undefined) => anySignal(signal, closing)
  const manifestOf = async (model: string) => {
    await open()
    return background.manifest(model)
  }
  const removals = new Set<Promise<void>>()
  /** Calls take effect in their order: a model that is added after it was removed is there. */
  const removed = () => Promise.allSettled(removals)
  const exchangeCode = lazyPart('exports and imports models', () => import('./models-exchange.ts'))
  const protect = async (): Promise<boolean> => (await storage?.persist?.().catch(() => false)) ?? false

  const entries = createModelEntries({ background, edgeModels, open, closing })

  const exchange = lazy(async () =>
    (await exchangeCode.get()).createModelsExchange({
      background,
      edgeModels,
      open,
      manifestOf,
      bounded,
      entryOf: entries.of,
    }),
  )
  async function exportModel(model: string, options: ExportToFolder): Promise<undefined>
  async function exportModel(model: string, options?: { readonly signal?: AbortSignal }): Promise<Blob>
  async function exportModel(model: string, options?: Partial<ExportToFolder>): Promise<Blob | undefined> {
    return (await exchange.get()).export(model, options)
  }

  return {
    list: entries.list,
    state: async (model) => edgeModels.state(await manifestOf(model)),
    async size(model) {
      const manifest = await manifestOf(model)
      const stored = await background.storedState(model, manifest.revision)
      const totalBytes = totalBytesOf(manifest)
      if (stored.status === 'stored') return { storedBytes: totalBytes, totalBytes }
      return { storedBytes: stored.status === 'partial' ? stored.loadedBytes : 0, totalBytes }
    },
    async download(model, { signal, priority } = {}) {
      await edgeModels.download(await manifestOf(model), { signal: bounded(signal), priority })
    },
    async pause(model) {
      const manifest = await manifestOf(model)
      if ((await background.storedState(model, manifest.revision)).status === 'stored') return
      await background.changeNote(model, { paused: true })
      await edgeModels.stop(manifest, downloadPaused(manifest))
    },
    async resume(model) {
      const manifest = await manifestOf(model)
      await background.changeNote(model, { paused: undefined })
      await edgeModels.reread(model)
      edgeModels.prepare(manifest).catch(() => {})
    },
    async remove(model) {
      const removal = open().then(() => edgeModels.remove(model))
      removals.add(removal)
      await removal.finally(() => removals.delete(removal))
    },
    async pin(model) {
      // Before the first await: it ends the click's permission to ask.
      const asked = globalThis.navigator?.userActivation?.isActive === true ? protect() : undefined
      await manifestOf(model)
      await background.changeNote(model, { pinned: true })
      await asked
    },
    async unpin(model) {
      await manifestOf(model)
      await background.changeNote(model, { pinned: undefined })
    },
    async verify(model, { signal } = {}) {
      const { revision } = await manifestOf(model)
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
      const { revision } = await manifestOf(model)
      const { accepted = [] } = await background.note(model)
      await background.changeNote(model, { accepted: [...new Set([...accepted, revision])] })
      await edgeModels.reread(model)
    },
    export: exportModel,
    async import(from, options) {
      await removed()
      return (await exchange.get()).import(from, options)
    },
    async add(source, options) {
      await removed()
      return (await exchange.get()).add(source, options)
    },
    async update(model, { signal } = {}) {
      await manifestOf(model)
      return (await updates.get()).update(model, { signal: bounded(signal) })
    },
  }
}
