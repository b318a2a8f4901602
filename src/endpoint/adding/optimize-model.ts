import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Manifest } from '../../contracts/manifest.ts'
import { ConfigError } from '../../errors/config-error.ts'
import { parseManifest } from '../../models/manifest/parse-manifest.ts'
import { type OptimizedDecoder, optimizeDecoder } from '../../models/onnx/optimize-decoder.ts'
import { openFile } from './gguf-source.ts'
import { listModel } from './list-model.ts'
import { createModelWriter, toDiskError } from './model-writer.ts'

const report = ({ attentions, cutsLogits }: OptimizedDecoder): string =>
  `${attentions} ${attentions === 1 ? 'attention is' : 'attentions are'} written out; ${cutsLogits ? 'logits are those of the last token' : 'its logits stay as they were'}.`

async function* piecesOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await openFile(path)
  try {
    for (let at = 0; at < file.size; at += pieceBytes) yield await file.read(at, Math.min(file.size, at + pieceBytes))
  } finally {
    await file.close()
  }
}
const pieceBytes = 4 * 1024 * 1024

/** The next one of numbers; another name of what is none. */
const after = (revision: string): string =>
  /^\d{1,9}$/.test(revision) ? `${Number(revision) + 1}` : `${revision}-wasm`

/**
 * Rewrites the graph of a language model for WASM. A model with a manifest gets a new revision beside the old one, as
 * devices may have that; in a folder of the hub's layout the graphs are replaced.
 *
 * @param dir a model's folder: `NAME/REVISION` of a folder of models, or one of the hub's layout
 * @returns what was done, in sentences
 * @throws {ModelError} `onnx-unreadable`, `onnx-unsupported`, `manifest-invalid`, `catalog-unavailable`, `storage-full`
 * @throws {ValidationError} `model-exists`: the next revision is there already
 * @throws {ConfigError} `config-invalid`: there is no model in the folder, or it can't be read or written
 * @throws the signal's reason
 */
export async function optimizeModel(dir: string, signal: AbortSignal): Promise<string> {
  const folder = resolve(dir)
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return replaceGraphs(folder, signal)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  return addRevision(folder, parseManifest(value, folder), signal)
}

async function addRevision(folder: string, manifest: Manifest, signal: AbortSignal): Promise<string> {
  const { name, graph } = manifest
  if (folder !== resolve(folder, '..', '..', name, manifest.revision)) {
    throw new ConfigError(
      'config-invalid',
      `${folder} is the model ${name} ${manifest.revision}, and must end as it is called.`,
    )
  }
  const modelsDir = dirname(dirname(folder))
  const revision = after(manifest.revision)
  const source = await openFile(join(folder, graph))
  try {
    const optimized = await optimizeDecoder(source)
    const writer = await createModelWriter(modelsDir, name, revision)
    try {
      const files = []
      for (const file of manifest.files) {
        const pieces = file.path === graph ? optimized.pieces() : piecesOf(join(folder, file.path))
        const written = await writer.write(file.path, pieces, signal)
        // What others have at its addresses is the graph of before.
        const isSame = file.path !== graph && file.urls !== undefined
        files.push(isSame ? { ...written, urls: file.urls } : written)
      }
      const outputs = manifest.outputs.map((output) =>
        optimized.cutsLogits && output.name === 'logits' && output.shape?.length === 3
          ? { ...output, shape: [output.shape[0] ?? -1, 1, output.shape[2] ?? -1] }
          : output,
      )
      const { variants: _variants, canary: _canary, ...rest } = manifest
      const next = parseManifest({ ...rest, revision, files, outputs }, folder)
      async function* written() {
        yield new TextEncoder().encode(`${JSON.stringify(next, null, 2)}\n`)
      }
      await writer.write('manifest.json', written(), signal)
      await writer.finish()
    } finally {
      await writer.discard()
    }
    const isListed = await listModel(modelsDir, name, revision)
    return `${report(optimized)}\n${name} ${revision} is beside ${manifest.revision}${isListed ? ', and in the catalogue' : ''}.`
  } finally {
    await source.close()
  }
}

async function replaceGraphs(folder: string, signal: AbortSignal): Promise<string> {
  const inside = async (path: string) =>
    (await readdir(path).catch(() => [])).filter((name) => /\.onnx$/i.test(name)).map((name) => join(path, name))
  const graphs = [...(await inside(folder)), ...(await inside(join(folder, 'onnx')))]
  if (graphs.length === 0) {
    throw new ConfigError('config-invalid', `${folder} has neither a manifest.json nor an .onnx file.`)
  }
  const lines: string[] = []
  for (const path of graphs) {
    const source = await openFile(path)
    const next = `${path}.new`
    try {
      const optimized = await optimizeDecoder(source)
      await writeFile(next, optimized.pieces(), { signal })
      await rename(next, path)
      lines.push(`${basename(path)}: ${report(optimized)}`)
    } catch (error) {
      signal.throwIfAborted()
      throw toDiskError(error, folder)
    } finally {
      await source.close()
      await rm(next, { force: true })
    }
  }
  return lines.join('\n')
}
