import type { ModelFile } from '../../contracts/manifest.ts'
import { CapabilityError } from '../../errors/capability-error.ts'
import { decodePart } from '../../utils/decode-part.ts'
import { sha256Hex, sha256OfBlob } from '../chunks/sha256.ts'
import { toStorageError } from '../chunks/storage-error.ts'
import { encodePath } from '../manifest/file-path.ts'
import { maxModelBytes } from '../manifest/parse-manifest.ts'
import { toModelName } from '../onnx/draft-manifest.ts'
import { fetchBlob } from '../transfer/fetch-blob.ts'
import { toFetchEnvironment } from '../transfer/fetch-environment.ts'
import { addFromHub } from './add-from-hub.ts'
import type { AddOptions, AddSource, GivenFile } from './add-source.ts'
import { claimName, wishName } from './claim-name.ts'
import { describeModel, keepKnown } from './describe-model.ts'
import { readGraph, sortGivenFiles, weightPaths } from './given-files.ts'
import { parseHubAddress } from './hub-model.ts'

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
    if ('files' in source) return await addFiles(source.files, source, options)
    const url = new URL(source.url)
    const hub = parseHubAddress(url)
    if (hub !== undefined) return await addFromHub(source, hub, options)
    return await addFromUrl(url, source, options)
  } catch (error) {
    options.signal.throwIfAborted()
    throw toStorageError(error, source.title ?? source.name ?? 'the model')
  }
}

async function addFiles(given: readonly GivenFile[], source: AddSource, options: AddOptions): Promise<string> {
  const { store, registry, signal, onProgress } = options
  const { graph, header, weights } = await sortGivenFiles(given)
  const graphPath = graphPathOf(graph, weights)
  const title = source.title ?? (graph.name || 'model')
  const parts = [{ path: graphPath, file: graph }, ...weights]
  assertLoadable(title, parts)
  const blobs = new Map<string, Blob>()
  const files: ModelFile[] = []
  for (const { path, file } of parts) {
    const { blob, urls } = file
    const sha256 = await sha256OfBlob(blob, signal)
    blobs.set(sha256, blob)
    files.push({ path, bytes: blob.size, sha256, ...(urls === undefined ? {} : { urls: [...urls] }) })
  }
  const facts = { title, revision: await revisionOf(files), files, graph: graphPath }
  return claimName(wishName(source.name, graph.name), files, options, async (name, known, isNamed) => {
    const manifest = known ? keepKnown(known, files, source.title) : describeModel({ ...facts, name }, header)
    const adopted = manifest.files.flatMap((file) => {
      const blob = blobs.get(file.sha256)
      return blob === undefined ? [] : [{ file, blob }]
    })
    await store.adopt(manifest, '', adopted, { signal, onProgress })
    await registry.add(manifest, isNamed)
  })
}

/** The graph's file, by a name that none of its weights has: theirs are what the graph calls them. */
function graphPathOf({ name }: GivenFile, weights: readonly { readonly path: string }[]): string {
  const stem = toModelName(name)
  const path = `${stem}.onnx`
  return weights.some((other) => other.path === path) ? `${stem}.graph.onnx` : path
}

/** Said before gigabytes are read. */
function assertLoadable(title: string, parts: readonly { readonly file: GivenFile }[]): void {
  const bytes = parts.reduce((sum, { file }) => sum + file.blob.size, 0)
  if (bytes <= maxModelBytes) return
  throw new CapabilityError(
    'model-unsupported',
    `“${title}” has ${(bytes / 2 ** 30).toFixed(1)} GiB, and a browser can load 2 GiB. Save it in fewer bits, or serve it from an endpoint.`,
    { context: { bytes, mostBytes: maxModelBytes } },
  )
}

/** Twelve digits of the sha256 of all that the model is made of: the same graph with other weights is another one. */
async function revisionOf(files: readonly ModelFile[]): Promise<string> {
  const hashes = files.map(({ sha256 }) => sha256)
  const whole = hashes.length === 1 ? hashes[0] : await sha256Hex(new TextEncoder().encode(hashes.join('\n')))
  return whole?.slice(0, 12) ?? ''
}

/** The longest address that a manifest takes: behind it, a file has none. */
const longestUrl = 2000

/** The last part of an address as a file's name. */
const nameOf = ({ pathname }: URL): string => decodePart(pathname.split('/').at(-1) ?? '')

/** An address without a hash: the file that came first is pinned by its own hash from then on. */
async function addFromUrl(url: URL, source: AddSource, options: AddOptions): Promise<string> {
  const { signal, onProgress } = options
  const environment = toFetchEnvironment(options)
  const fetchFile = async (from: URL, name: string): Promise<GivenFile> => {
    const address = from.href.replace(/#.*$/s, '')
    const blob = await fetchBlob(address, { environment, signal, onProgress })
    return { name, blob, urls: address.length > longestUrl ? undefined : [address] }
  }
  const graph = await fetchFile(url, nameOf(url))
  const given = [graph]
  for (const path of weightPaths(await readGraph(graph))) {
    given.push(await fetchFile(new URL(encodePath(path), url), path))
  }
  return addFiles(given, source, options)
}
