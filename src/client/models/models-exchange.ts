import type { Manifest } from '../../contracts/manifest.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import type { Background } from '../background/create-background.ts'
import type { EdgeModels } from '../edge/edge-models.ts'
import type { ModelEntry, ModelsApi } from '../types/models-types.ts'
import { exportToFolder, exportToZip, pathsOf, readArchive, toPlainPath } from './model-archive.ts'
import { parseAddOptions, parseImportOptions } from './parse-add-options.ts'
import { readAddSource } from './read-add-source.ts'

/** Brings models in and out: exports, imports, and models of the person's own. */
export interface ModelsExchange extends Pick<ModelsApi, 'import' | 'add'> {
  export(
    model: string,
    options?: { readonly signal?: AbortSignal; readonly to?: FileSystemDirectoryHandle },
  ): Promise<Blob | undefined>
}

export function createModelsExchange(parts: {
  readonly background: Background
  readonly edgeModels: EdgeModels
  readonly open: () => Promise<void>
  readonly manifestOf: (model: string) => Promise<Manifest>
  readonly bounded: (signal: AbortSignal | undefined) => AbortSignal
  readonly entryOf: (name: string) => Promise<ModelEntry>
}): ModelsExchange {
  const { background, edgeModels, open, manifestOf, bounded, entryOf } = parts
  return {
    async export(
      model: string,
      { signal, to }: { readonly signal?: AbortSignal; readonly to?: FileSystemDirectoryHandle } = {},
    ): Promise<Blob | undefined> {
      const manifest = await manifestOf(model)
      const limited = bounded(signal)
      if (to !== undefined) {
        await exportToFolder(manifest, to, background.readBytes, limited)
        return undefined
      }
      return exportToZip(manifest, background.readBytes, limited)
    },
    async import(from, options) {
      const { signal, name: wish } = parseImportOptions(options)
      await open()
      const entries: ModelEntry[] = []
      const models = await readArchive(from)
      if (wish !== undefined && models.length > 1) {
        throw new ValidationError('options-invalid', `There are ${models.length} models in it: one name is not enough.`)
      }
      for (const { manifest: archived, files } of models) {
        const manifest = wish === undefined ? archived : { ...Object(archived), name: wish }
        const wanted = pathsOf(manifest)
        const given: { readonly path: string; readonly blob: Blob }[] = []
        for (const { path, open: openFile } of files)
          if (wanted.has(toPlainPath(path))) given.push({ path, blob: await openFile() })
        const name = await background.importModel(manifest, given, { signal: bounded(signal) })
        await edgeModels.reread(name)
        entries.push(await entryOf(name))
      }
      return entries
    },
    async add(source, options) {
      const { signal, onProgress = () => {}, name, title, precision } = parseAddOptions(options)
      signal?.throwIfAborted()
      const read = await readAddSource(source)
      await open()
      const limits = { signal: bounded(signal), onProgress }
      const added = await background.addModel({ ...read, name, title, precision }, limits)
      await edgeModels.reread(added)
      return entryOf(added)
    },
  }
}
