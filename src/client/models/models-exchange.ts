import type { Manifest } from '../../contracts/manifest.ts'
import type { Background } from '../background/create-background.ts'
import type { EdgeModels } from '../edge/edge-models.ts'
import type { ModelEntry, ModelsApi } from '../types/models-types.ts'
import { exportToFolder, exportToZip, pathsOf, readArchive, toPlainPath } from './model-archive.ts'

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
    async import(from, { signal } = {}) {
      await open()
      const entries: ModelEntry[] = []
      for (const { manifest, files } of await readArchive(from)) {
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
    async add(source, { signal, onProgress = () => {}, name, title, precision } = {}) {
      await open()
      const facts = { name, title, precision }
      const files = Array.isArray(source) ? source : source instanceof Blob ? [source] : undefined
      const given =
        files === undefined
          ? { ...facts, url: new URL(String(source), globalThis.location?.href).href }
          : { ...facts, files: files.map((file: File) => ({ name: file.name, blob: file })) }
      const added = await background.addModel(given, { signal: bounded(signal), onProgress })
      await edgeModels.reread(added)
      return entryOf(added)
    },
  }
}
