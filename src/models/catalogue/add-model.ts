import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import type { Progress } from '../../contracts/model-state.ts'
import { ModelError } from '../../errors/model-error.ts'
import { sha256OfBlob } from '../chunks/sha256.ts'
import { toStorageError } from '../chunks/storage-error.ts'
import type { VariantOffer } from '../manifest/pick-variant.ts'
import { blobSource } from '../onnx/byte-source.ts'
import { draftManifest, toModelName } from '../onnx/draft-manifest.ts'
import { readOnnx } from '../onnx/read-onnx.ts'
import type { ModelStore } from '../store/model-store.ts'
import { fetchBlob } from '../transfer/fetch-blob.ts'
import { toFetchEnvironment } from '../transfer/fetch-environment.ts'
import type { TrafficMeter } from '../transfer/traffic-meter.ts'
import { parseHubAddress, readHubModel } from './hub-model.ts'
import type { ModelRegistry } from './model-registry.ts'

/** What a person gives to add a model. */
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
  readonly meter?: TrafficMeter | undefined
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

/**
 * Adds a model that has no manifest: a file, a file's address, or a repository on a hub. Its manifest is drafted from
 * the file itself, its files are stored and pinned by their sha256, and it runs like one of the catalogue.
 *
 * @returns the model's name
 * @throws {ModelError} `onnx-unreadable`, `download-failed`, `download-wrong-hash`, `manifest-invalid`, `storage-full`
 * @throws {ValidationError} `model-exists`
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
  const revision = files[0]?.file.sha256.slice(0, 12) ?? ''
  const manifest = draftManifest(
    {
      name: source.name ?? toModelName(graph.name),
      title: source.title ?? graph.name,
      revision,
      files: files.map(({ file }) => file),
      graph: graphPath,
    },
    header,
  )
  await registry.assertFree(manifest.name)
  await store.adopt(manifest, baseUrl, files, { signal, onProgress })
  await registry.add(manifest, baseUrl)
  return manifest.name
}

/** An address without a hash: the file that came first is pinned by its own hash from then on. */
async function addFromUrl(url: string, source: AddSource, options: AddOptions): Promise<string> {
  const { authorize, meter, signal, onProgress } = options
  const environment = toFetchEnvironment({ authorize, meter })
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
  const { store, registry, authorize, signal, onProgress } = options
  const environment = toFetchEnvironment({ authorize })
  const { precision } = source
  const model = await readHubModel(hub, { environment, offer: await options.offer(), precision, signal })
  const name = source.name ?? toModelName(hub.repository.split('/').at(-1) ?? hub.repository)
  await registry.assertFree(name)
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
  return name
}

const placeholder = { name: 'unknown', type: 'float32', shape: [] } as const satisfies {
  name: string
  type: 'float32'
  shape: number[]
}
