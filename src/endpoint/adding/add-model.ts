import type { Manifest } from '../../contracts/manifest.ts'
import { type ConvertedModel, convertGguf } from '../../models/gguf/convert-gguf.ts'
import type { Precision, Treatment } from '../../models/gguf/gguf-weights.ts'
import { parseManifest } from '../../models/manifest/parse-manifest.ts'
import { toModelName } from '../../models/onnx/draft-manifest.ts'
import { download, isAddress, nameOf, openFile } from './gguf-source.ts'
import { checkCatalogue, listModel } from './list-model.ts'
import { createModelWriter, type ModelWriter } from './model-writer.ts'

export interface AddModelOptions {
  /** Path or web address of a .gguf file. */
  readonly source: string
  /** The folder of models that it comes to. */
  readonly modelsDir: string
  /** Default: as the file is called. */
  readonly name?: string | undefined
  readonly precision: Precision
  /** The graph is to have the hub's inputs and outputs. Default: as `convertGguf` */
  readonly forHub?: boolean | undefined
  readonly signal: AbortSignal
  /** Told in sentences what is going on. */
  readonly say: (sentence: string) => void
  readonly fetch?: typeof fetch
}

const revision = '1'
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

/**
 * Converts a GGUF file, and puts it as a model into a folder of models: there is the whole model afterwards, or nothing.
 *
 * @returns what was done, in sentences
 * @throws {ModelError} `gguf-unreadable`, `gguf-unsupported`, `download-failed`, `manifest-invalid`,
 *   `catalog-unavailable`, `storage-full`
 * @throws {ValidationError} `model-exists`
 * @throws {ConfigError} `config-invalid`: the file can't be read, or the folder can't be written
 * @throws the signal's reason
 */
export async function addModel(options: AddModelOptions): Promise<string> {
  const { source, modelsDir, precision, forHub, signal, say } = options
  const name = options.name ?? toModelName(nameOf(source))
  await checkCatalogue(modelsDir)
  const writer = await createModelWriter(modelsDir, name, revision)
  try {
    const path = isAddress(source) ? await fetchInto(writer, options) : source
    const file = await openFile(path)
    try {
      const model = await convertGguf(file, { precision, forHub })
      const manifest = await writeFiles(model, writer, { ...options, name })
      if (path !== source) await writer.remove(fetched)
      signal.throwIfAborted()
      await writer.finish()
      const isListed = await listModel(modelsDir, name, revision)
      say(sizesOf(manifest))
      return report(model, name, modelsDir, isListed)
    } finally {
      await file.close()
    }
  } finally {
    await writer.discard()
  }
}

const fetched = 'fetched.gguf'

async function fetchInto(writer: ModelWriter, { source, signal, say, fetch = globalThis.fetch }: AddModelOptions) {
  const path = writer.path(fetched)
  let said = 0
  await download(source, path, {
    fetch,
    signal,
    onBytes(bytes, of) {
      const share = Math.floor((10 * bytes) / of)
      if (!(share > said)) return
      said = share
      say(`${megabytes(bytes)} of ${megabytes(of)} are here.`)
    },
  })
  return path
}

async function writeFiles(
  model: ConvertedModel,
  writer: ModelWriter,
  { source, name, signal, say }: AddModelOptions & { readonly name: string },
): Promise<Manifest> {
  say(`${model.title ?? name} is a decoder of the kind ${model.architecture}; its files are being written.`)
  const files = []
  for (const { path, pieces } of model.files) files.push(await writer.write(path, pieces(), signal))
  for (const { path, pieces } of model.others) await writer.write(path, pieces(), signal)
  const { generation, ...facts } = model.facts
  const manifest = parseManifest(
    {
      format: 1,
      name,
      revision,
      title: model.title ?? name,
      description: `Writes text. Converted from ${nameOf(source)}.gguf.`,
      ...facts,
      generation,
      files,
    },
    name,
  )
  const text = `${JSON.stringify(manifest, null, 2)}\n`
  async function* pieces() {
    yield new TextEncoder().encode(text)
  }
  await writer.write('manifest.json', pieces(), signal)
  return manifest
}

const sizesOf = ({ files }: Manifest) => files.map(({ path, bytes }) => `${path} has ${megabytes(bytes)}.`).join(' ')

/** “211 matrices of Q4_1 and Q8_0 …” */
const toSentence = ({ from, to, isExact, matrices }: Treatment): string => {
  const what = `${matrices} ${matrices === 1 ? 'matrix' : 'matrices'} of ${from}`
  const are = matrices === 1 ? 'is' : 'are'
  return isExact ? `${what} ${are} kept exactly, as ${to}.` : `${what} ${are} rounded to ${to}.`
}

function report(model: ConvertedModel, name: string, modelsDir: string, isListed: boolean): string {
  return [
    ...model.treatments.map(toSentence),
    ...model.notes,
    `${name} ${revision} is in ${modelsDir}${isListed ? ', and in its catalogue' : ''}. An endpoint that runs serves it after SIGHUP, or when it is started again.`,
  ].join('\n')
}
