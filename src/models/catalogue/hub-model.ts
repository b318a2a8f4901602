import * as v from 'valibot'
import type { Manifest, ModelFile } from '../../contracts/manifest.ts'
import { looseObject, object } from '../../contracts/object-schemas.ts'
import { ModelError } from '../../errors/model-error.ts'
import { decodePart } from '../../utils/decode-part.ts'
import { sha256OfBlob } from '../chunks/sha256.ts'
import type { VariantOffer } from '../manifest/pick-variant.ts'
import { fetchBlob } from '../transfer/fetch-blob.ts'
import type { FetchEnvironment } from '../transfer/fetch-environment.ts'
import { fetchJson } from '../transfer/fetch-json.ts'

/** A repository on a model hub, and what of it was asked for. */
export interface HubAddress {
  readonly origin: string
  readonly repository: string
  readonly revision: string
  /** A certain graph; undefined: the best one for this device. */
  readonly graph?: string | undefined
}

/**
 * Reads `https://host/owner/name`, `…/tree/REVISION` and `…/resolve/REVISION/path.onnx`, as Hugging Face's hub has
 * them. Undefined for another kind of address.
 */
export function parseHubAddress(url: URL): HubAddress | undefined {
  const [owner, name, kind, revision, ...path] = url.pathname.split('/').filter((part) => part !== '')
  if (owner === undefined || name === undefined) return undefined
  const base = { origin: url.origin, repository: `${owner}/${name}` }
  if (kind === undefined) return /\.onnx$/i.test(name) ? undefined : { ...base, revision: 'main' }
  if (revision === undefined || !['tree', 'resolve', 'blob'].includes(kind)) return undefined
  const graph = path.join('/')
  if (graph !== '' && !/\.onnx$/i.test(graph)) return undefined
  return { ...base, revision: decodePart(revision), ...(graph === '' ? {} : { graph: decodePart(graph) }) }
}

const listingSchema = object({
  sha: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/)),
  cardData: v.optional(v.nullable(looseObject({ license: v.optional(v.unknown()) }))),
  siblings: v.array(
    object({
      rfilename: v.string(),
      size: v.optional(v.number()),
      blobId: v.optional(v.string()),
      lfs: v.optional(v.nullable(object({ sha256: v.string(), size: v.number() }))),
    }),
  ),
})
type Sibling = v.InferOutput<typeof listingSchema>['siblings'][number]

/** What each kind of file needs, the most wanted first; the same order that the hub's own library has for a browser. */
const kinds = [
  { suffix: '_fp16', precision: 'float16', requires: { backends: ['webgpu'], shaderF16: true } },
  { suffix: '_quantized', precision: 'int8', requires: { backends: ['wasm'] } },
  { suffix: '_int8', precision: 'int8', requires: { backends: ['wasm'] } },
  { suffix: '_q4', precision: 'int4', requires: undefined },
  { suffix: '', precision: 'float32', requires: undefined },
] as const satisfies readonly {
  suffix: string
  precision: NonNullable<Manifest['precision']>
  requires: Manifest['requires'] | undefined
}[]

/** Small files that a task needs beside the graph. */
const sideFiles = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer_config.json',
]
const maxSideBytes = 32 * 1024 * 1024

/** A repository's model, as far as it is known before its graph was read. */
export interface HubModel {
  /** The commit that the address stood for: what is fetched stays the same when the repository moves on. */
  readonly revision: string
  readonly files: readonly ModelFile[]
  readonly graph: string
  readonly license: Manifest['license']
  /** A file of the repository by its path from the graph's folder; undefined where there is none. */
  readonly beside: (path: string) => Promise<ModelFile | undefined>
  readonly precision?: Manifest['precision'] | undefined
  readonly requires?: Manifest['requires'] | undefined
}

/** Which graph fits the device. WebGPU variants want an adapter that is no software. */
function pickGraph(names: ReadonlySet<string>, offer: VariantOffer, precision: Manifest['precision'] | undefined) {
  const hasF16 = offer.backends.includes('webgpu') && offer.adapter?.shaderF16 === true && !offer.adapter.software
  for (const folder of ['onnx/', '']) {
    for (const kind of kinds) {
      const path = `${folder}model${kind.suffix}.onnx`
      if (!names.has(path)) continue
      if (precision === undefined) {
        if (kind.precision === 'float16' && !hasF16) continue
        if (kind.precision === 'int8' && (hasF16 || !offer.backends.includes('wasm'))) continue
        // Four bits cost accuracy: only when asked for, or when there is nothing else.
        if (kind.precision === 'int4') continue
      } else if (kind.precision !== precision) continue
      return { path, ...kind }
    }
    for (const kind of precision === undefined ? kinds.toReversed() : []) {
      const path = `${folder}model${kind.suffix}.onnx`
      if (names.has(path)) return { path, ...kind }
    }
  }
  return undefined
}

/**
 * Reads a repository with Hugging Face's layout: `onnx/model.onnx` and its variants, external data, configuration and
 * tokenizer. The revision is pinned to its commit. Large files bring their sha256 with the listing; small ones are
 * fetched now, held against git's own hash, and pinned by their sha256.
 *
 * @throws {ModelError} `download-failed`, `catalog-unavailable`, `manifest-invalid`
 */
export async function readHubModel(
  address: HubAddress,
  options: {
    readonly environment: FetchEnvironment
    readonly offer: VariantOffer
    readonly precision?: Manifest['precision'] | undefined
    readonly signal: AbortSignal
  },
): Promise<HubModel> {
  const { environment, offer, precision, signal } = options
  const { origin, repository, revision } = address
  const listingUrl = `${origin}/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`
  const answer = await fetchJson(listingUrl, 30_000, environment).catch((cause: unknown) => {
    const detail = cause instanceof Error ? ` (${cause.message})` : ''
    throw new ModelError(
      'catalog-unavailable',
      `${origin} does not list a repository ${repository}. Give the address of one, or of an .onnx file; one that is private needs a token in storage.tokens.${detail}`,
      { cause },
    )
  })
  const listing = v.safeParse(listingSchema, answer)
  if (!listing.success) {
    throw new ModelError('catalog-unavailable', `${origin} does not list ${repository} as a model hub does.`)
  }
  const { sha, siblings, cardData } = listing.output
  const names = new Set(siblings.map(({ rfilename }) => rfilename))
  const picked =
    address.graph === undefined
      ? pickGraph(names, offer, precision)
      : { path: address.graph, precision: undefined, requires: undefined }
  if (picked === undefined || !names.has(picked.path)) {
    throw new ModelError('manifest-invalid', `${repository} has no ONNX model${precision ? ` in ${precision}` : ''}.`)
  }
  const folder = picked.path.slice(0, picked.path.lastIndexOf('/') + 1)
  const stem = picked.path.slice(folder.length)
  const isPart = (name: string) =>
    name === picked.path || name === `${folder}${stem}.data` || name.startsWith(`${folder}${stem}_data`)
  const urlOf = (path: string) =>
    `${origin}/${repository}/resolve/${sha}/${path.split('/').map(encodeURIComponent).join('/')}`

  const files: ModelFile[] = []
  for (const sibling of siblings) {
    const { rfilename } = sibling
    const isSide = sideFiles.includes(rfilename)
    if (!isPart(rfilename) && !isSide) continue
    // The graph names its data by their own folder.
    const path = isSide ? rfilename : rfilename.slice(folder.length)
    const url = urlOf(rfilename)
    files.push({ path, urls: [url], ...(await pinned(sibling, url, environment, signal)) })
  }
  const beside = async (path: string): Promise<ModelFile | undefined> => {
    const sibling = siblings.find(({ rfilename }) => rfilename === folder + path)
    if (sibling === undefined) return undefined
    const url = urlOf(sibling.rfilename)
    return { path, urls: [url], ...(await pinned(sibling, url, environment, signal)) }
  }
  const license = typeof cardData?.license === 'string' ? cardData.license : 'not stated'
  return {
    revision: sha,
    files,
    beside,
    graph: stem,
    license: { name: license, url: `${origin}/${repository}` },
    ...(picked.precision === undefined ? {} : { precision: picked.precision }),
    ...(picked.requires === undefined
      ? {}
      : { requires: { ...picked.requires, backends: [...picked.requires.backends] } }),
  }
}

/** Size and sha256 of a file: from the listing where it has them, else from the file itself. */
async function pinned(sibling: Sibling, url: string, environment: FetchEnvironment, signal: AbortSignal) {
  const { rfilename, lfs, size, blobId } = sibling
  if (lfs != null) return { bytes: lfs.size, sha256: lfs.sha256 }
  if (size !== undefined && size > maxSideBytes) {
    throw new ModelError('manifest-invalid', `${rfilename} is large and the hub gives no sha256 for it.`)
  }
  const blob = await fetchBlob(url, { environment, signal })
  if (blobId !== undefined && (await gitBlobId(blob)) !== blobId) {
    throw new ModelError('download-wrong-hash', `The hub's ${rfilename} is not the file that its commit names.`)
  }
  return { bytes: blob.size, sha256: await sha256OfBlob(blob, signal) }
}

/** Git's name of a file: the SHA-1 of a small head and its bytes. Source: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects */
async function gitBlobId(blob: Blob): Promise<string | undefined> {
  const bytes = await new Blob([`blob ${blob.size}\0`, blob]).arrayBuffer()
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle
  if (subtle === undefined) return undefined
  const digest = new Uint8Array(await subtle.digest('SHA-1', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
