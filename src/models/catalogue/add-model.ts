import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import type { Progress } from '../../contracts/model-state.ts'
import { ModelError } from '../../errors/model-error.ts'
import { sha256Hex, sha256OfBlob } from '../chunks/sha256.ts'
import { toStorageError } from '../chunks/storage-error.ts'
import type { VariantOffer } from '../manifest/pick-variant.ts'
import { blobSource } from '../onnx/byte-source.ts'
import { draftManifest, toModelName } from '../onnx/draft-manifest.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import type { ModelStore } from '../store/model-store.ts'
import { fetchBlob } from '../transfer/fetch-blob.ts'
import { type FetchOptions, toFetchEnvironment } from '../transfer/fetch-environment.ts'
import { claimName, wishName } from './claim-name.ts'
import { parseHubAddress, readHubModel } from './hub-model.ts'
import type { ModelRegistry } from './model-registry.ts'
export type AddSource = {
  /** Default: from the file's or the repository's own. */
  readonly name?: string | undefined
  readonly title?: string | undefined
  /** For a hub's repository that has several. Default: what suits the device. */
  readonly precision?: Manifest['precision'] | undefined
} & (
  | {
      /** The .onnx file, and the files of weights beside it. */
      readonly files: readonly { readonly name: string; readonly blob: Blob }[]
    }
  | { readonly url: string }
)

export interface AddOptions {
  readonly store: ModelStore
  readonly registry: ModelRegistry
  readonly offer: () => Promise<VariantOffer>
  readonly authorize: (url: string) => Promise<string | undefined>
  /** Default: the thread's own. */
  readonly fetch?: FetchOptions['fetch']
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

/**
 * Adds a model that has no manifest: a file, a file's address, or a repository on a hub. Its manifest is drafted from
 * the file itself, its files are stored and pinned by their sha256, and it runs like one of the catalogue. No other model
 * loses its name or its bytes to it.
 *
 * @returns the model's name
 * @throws {ModelError} `onnx-unreadable`, `download-failed`, `download-wrong-hash`, `manifest-invalid`, `storage-full`
 * @throws {ValidationError} `model-exists`: other bytes have the name; `context.free` is a name that is free
 * @throws the signal's reason
 */
export async function addModel(source: AddSource, options: AddOptions): Promise<string> {
  try {
    if ('files' in source) return await addFiles(source.files, '', source, options)
    const url = new URL(source.url)
    const hub = parseHubAddress(url)
    if (hub !== undefined) return await addFromHub(source, hub, options)
    return await addFromUrl(url.href, source, options)
  } catch (error) {
    options.signal.throwIfAborted()
    throw toStorageError(error, source.title ?? source.name ?? 'the model')
  }
}

interface GivenFile {
  readonly name: string
  readonly blob: Blob
  readonly urls?: string[] | undefined
}

async function addFiles(given: readonly GivenFile[], baseUrl: string, source: AddSource, options: AddOptions) {
  const { store, registry, signal, onProgress } = options
  const graph = given.find(({ name }) => /\.onnx$/i.test(name)) ?? given[0]
  if (graph === undefined) throw new ModelError('onnx-unreadable', 'No file was given.')
  const header = await readOnnx(blobSource(graph.blob))
  const graphPath = `${toModelName(graph.name)}.onnx`
  const files: { readonly file: ModelFile; readonly blob: Blob }[] = []
  for (const path of [graphPath, ...header.externalData]) {
    const own = path === graphPath ? graph : given.find(({ name }) => name === path || path.endsWith(`/${name}`))
    if (own === undefined) {
      throw new ModelError('onnx-unreadable', `Its weights lie in ${path}. Give that file together with it.`)
    }
    const sha256 = await sha256OfBlob(own.blob, signal)
    const file = { path, bytes: own.blob.size, sha256, ...(own.urls === undefined ? {} : { urls: own.urls }) }
    files.push({ file, blob: own.blob })
  }
  const facts = {
    title: source.title ?? graph.name,
    revision: await revisionOf(files.map(({ file }) => file)),
    files: files.map(({ file }) => file),
    graph: graphPath,
  }
  const wished = wishName(source.name, graph.name)
  return claimName(wished, facts.files, options, async (name, known) => {
    const manifest = known ? keepKnown(known, facts.files, source) : draftManifest({ ...facts, name }, header)
    const adopted = manifest.files.map((file) => ({ file, blob: blobOf(files, file) }))
    await store.adopt(manifest, baseUrl, adopted, { signal, onProgress })
    await registry.add(manifest, baseUrl)
  })
}

/** Twelve digits of the sha256 of all that the model is made of: the same graph with other weights is another one. */
async function revisionOf(files: readonly ModelFile[]): Promise<string> {
  const hashes = files.map(({ sha256 }) => sha256)
  const whole = hashes.length === 1 ? hashes[0] : await sha256Hex(new TextEncoder().encode(hashes.join('\n')))
  return whole?.slice(0, 12) ?? ''
}

/** The model as it is known: by its own paths and revision, with what is new of its title and its files' addresses. */
function keepKnown(known: Manifest, files: readonly ModelFile[], { title }: AddSource): Manifest {
  return {
    ...known,
    title: title ?? known.title,
    files: known.files.map((file) => {
      const urls = files.find(({ sha256 }) => sha256 === file.sha256)?.urls ?? file.urls
      return urls === undefined ? file : { ...file, urls }
    }),
  }
}

function blobOf(files: readonly { readonly file: ModelFile; readonly blob: Blob }[], { sha256, path }: ModelFile) {
  const own = files.find(({ file }) => file.sha256 === sha256)
  if (own === undefined) throw new ModelError('onnx-unreadable', `Its file ${path} was not given.`)
  return own.blob
}

/** An address without a hash: the file that came first is pinned by its own hash from then on. */
async function addFromUrl(url: string, source: AddSource, options: AddOptions): Promise<string> {
  const { signal, onProgress } = options
  const environment = toFetchEnvironment(options)
  const nameOf = (address: string) => decodeURIComponent(new URL(address).pathname.split('/').at(-1) ?? 'model.onnx')
  const graph = { name: nameOf(url), blob: await fetchBlob(url, { environment, signal, onProgress }), urls: [url] }
  const given: GivenFile[] = [graph]
  for (const path of (await readOnnx(blobSource(graph.blob))).externalData) {
    const beside = new URL(path, url).href
    given.push({ name: path, blob: await fetchBlob(beside, { environment, signal, onProgress }), urls: [beside] })
  }
  return addFiles(given, '', source, options)
}

async function addFromHub(
  source: AddSource,
  hub: NonNullable<ReturnType<typeof parseHubAddress>>,
  options: AddOptions,
): Promise<string> {
  const { store, registry, signal, onProgress } = options
  const environment = toFetchEnvironment(options)
  const { precision } = source
  const model = await readHubModel(hub, { environment, offer: await options.offer(), precision, signal })
  const wished = wishName(source.name, hub.repository.split('/').at(-1) ?? hub.repository)
  return claimName(wished, model.files, options, async (name, known) => {
    if (known !== undefined) {
      const manifest = keepKnown(known, model.files, source)
      await store.install(manifest, '', { signal, onProgress })
      await registry.add(manifest, '')
      return
    }
    const facts = { ...model, name, title: source.title ?? hub.repository }
    // The graph's inputs and outputs are read from the file once it is stored. No list shows the record until then.
    const unknown = { opset: 1, inputs: [placeholder], outputs: [placeholder], externalData: [], weights: 1 }
    const files = draftManifest(facts, unknown)
    await store.install(files, '', { signal, onProgress })
    let manifest: Manifest
    try {
      manifest = draftManifest(facts, await readOnnx(await store.source(files, files.graph)))
    } catch (error) {
      await store.remove(files)
      throw error
    }
    await store.redescribe(manifest)
    await registry.add(manifest, '')
  })
}

const placeholder = { name: 'unknown', type: 'float32', shape: [] } as const satisfies {
  name: string
  type: 'float32'
  shape: number[]
}
