import type { Manifest } from '../../../contracts/manifest.ts'
import type { ModelFiles } from '../../../edge/worker-types.ts'
import { ModelError } from '../../../errors/model-error.ts'
import { toFilePath } from '../../../models/manifest/file-path.ts'
import { sourcesOf } from '../../../models/manifest/sources-of.ts'
import { handOver } from '../../../utils/calls/hand-over.ts'
import { given } from '../../../utils/given.ts'
import { lazyPart } from '../../../utils/lazy-part.ts'
import type { ModelMethods } from './background-types.ts'
import type { OpenedModels } from './open-models.ts'

/** Reading .onnx files and hubs, and imports, are files of their own: most pages add no models. */
const adding = lazyPart('adds models', () => import('../../../models/catalogue/add-model.ts'))
const importing = lazyPart('imports models', () => import('../../../models/catalogue/import-model.ts'))

/** The methods about stored models. @param opened what they stand on, once it is open */
export function createModelMethods(opened: () => Promise<OpenedModels>): ModelMethods {
  /** The manifest of exactly this revision: the one that serves, the newest, or one that is stored. */
  const resolve = async (name: string, revision: string): Promise<Manifest> => {
    const { registry, store } = await opened()
    const serving = await registry.manifest(name)
    if (serving.revision === revision) return serving
    const newer = await registry.newer(name)
    if (newer?.revision === revision) return newer
    const record = (await store.records()).find((stored) => stored.name === name && stored.revision === revision)
    if (record?.manifest !== undefined) return record.manifest
    throw new ModelError('stored-model-damaged', `Revision ${revision} of ${name} is not stored on this device.`)
  }

  return {
    models: async () => (await opened()).registry.names(),
    manifest: async (name) => (await opened()).registry.manifest(name),
    newer: async (name) => (await opened()).registry.newer(name),
    isOutdated: async (name) => (await opened()).registry.isOutdated(name),
    storedState: async (name, revision) => (await opened()).store.state(await resolve(name, revision)),

    async install(name, revision, options) {
      const { registry, store } = await opened()
      const manifest = await resolve(name, revision)
      if (manifest.license.mustAccept && !(await store.notes.get(name)).accepted?.includes(revision)) {
        throw new ModelError(
          'license-not-accepted',
          `${manifest.title} has a licence (${manifest.license.name}) that must be accepted before it is downloaded.`,
        )
      }
      await store.install(manifest, await registry.baseUrl(manifest), options)
    },
    async raise(name, revision) {
      const { store } = await opened()
      store.raise(await resolve(name, revision))
    },
    async stop(name, revision) {
      const { store } = await opened()
      await store.stop(await resolve(name, revision), new DOMException('The download was stopped.', 'AbortError'))
    },

    async readFiles(name, revision) {
      const { store } = await opened()
      const manifest = await resolve(name, revision)
      const locations = (manifest.externalData ?? []).map((location) => ({ location, path: toFilePath(location) }))
      const { tokenizer, tokenizerConfig, chatTemplate } = manifest.generation ?? {}
      const texts = Object.entries(given({ tokenizer, tokenizerConfig, chatTemplate }))
      const needed = new Set([manifest.graph, ...texts.map(([, path]) => path), ...locations.map(({ path }) => path)])
      const files = await store.read(manifest, { wanted: (path) => needed.has(path) })
      const fileAt = (path: string) => {
        const data = files.get(path)
        if (data === undefined) throw new ModelError('stored-model-damaged', `The stored model has no ${path}.`)
        return data
      }
      const graph = fileAt(manifest.graph)
      // The runtime asks for weights as the graph names them.
      const externalData = locations.map(({ location, path }) => ({ path: location, data: fileAt(path) }))
      const generation = Object.fromEntries(
        texts.map(([role, path]) => [role, fileAt(path)]),
      ) as ModelFiles['generation']
      // A file that the graph names in two ways is handed over once.
      const buffers = new Set([...files.values()].map(({ buffer }) => buffer))
      return handOver({ graph, externalData, ...(tokenizer && { generation }) }, [...buffers])
    },
    verify: async (name, revision, options) => (await opened()).store.verify(await resolve(name, revision), options),

    async remove(name) {
      const { registry, store } = await opened()
      const stored = async () => (await store.records()).filter((record) => record.name === name)
      const serving = await registry.manifest(name).catch(async (error) => {
        // What is stored can be removed, also when the catalogue has dropped it.
        if ((await stored()).length === 0) throw error
        return undefined
      })
      if (serving !== undefined) await store.stop(serving, new DOMException('The model was removed.', 'AbortError'))
      await store.holdName(name, async () => {
        // Forgotten first: what a closed tab leaves of it then counts as orphaned.
        await registry.forget(name)
        const records = await stored()
        for (const model of records.length > 0 ? records : serving ? [serving] : []) await store.remove(model)
      })
    },
    async withdraw(models, isWhole) {
      const { registry, told } = await opened()
      await told.set(models, isWhole)
      await registry.purge()
    },
    note: async (name) => (await opened()).store.notes.get(name),
    changeNote: async (name, change) => (await opened()).store.notes.change(name, change),
    async usage() {
      const { store, orphansFreed } = await opened()
      await orphansFreed()
      return store.usage()
    },
    async sources(name, revision) {
      const { registry } = await opened()
      const manifest = await resolve(name, revision)
      return sourcesOf(manifest, await registry.baseUrl(manifest))
    },

    keepServing: async (name, revision) => (await opened()).registry.keepServing(name, revision),
    switchTo: async (name, revision) => (await opened()).registry.switchTo(await resolve(name, revision)),
    refuse: async (name, revision) => (await opened()).registry.refuse(await resolve(name, revision)),

    async readBytes(name, revision, path, start, end) {
      const { store } = await opened()
      const bytes = new Uint8Array(await (await store.source(await resolve(name, revision), path)).read(start, end))
      return handOver(bytes, [bytes.buffer])
    },
    async importModel(manifest, files, { signal }) {
      const { importModel } = await importing.get()
      const { store, registry, orphansFreed } = await opened()
      await orphansFreed()
      return importModel(manifest, files, { store, registry, signal })
    },
    async addModel(source, { signal, onProgress }) {
      const { addModel } = await adding.get()
      const { store, registry, offer, authorize, meter, orphansFreed } = await opened()
      await orphansFreed()
      return addModel(source, { store, registry, offer, authorize, meter, signal, onProgress })
    },
  }
}
