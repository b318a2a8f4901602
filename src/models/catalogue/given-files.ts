import { isRelativePath, mostPathCharacters } from '../../contracts/paths.ts'
import { isHitherError } from '../../errors/hither-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { toFilePath } from '../manifest/file-path.ts'
import { blobSource } from '../onnx/byte-source.ts'
import { type OnnxHeader, readOnnx } from '../onnx/read-onnx.ts'
import type { GivenFile } from './add-source.ts'
import { assertWeightsFit } from './weights-fit.ts'

/** A graph and the weights beside it. */
export interface GivenModel {
  readonly graph: GivenFile
  readonly header: OnnxHeader
  /** Each by the path that the manifest gives it. */
  readonly weights: readonly { readonly path: string; readonly file: GivenFile }[]
}

const isGraph = ({ name }: Pick<GivenFile, 'name'>) => /\.onnx$/i.test(name)

/** Systems write the same letters in different ways, and separate folders differently. */
const plain = (name: string) => toFilePath(name.normalize('NFC'))
const lastOf = (path: string) => path.split('/').at(-1) ?? path
const quoted = (names: readonly string[]) => names.map((name) => `“${name}”`).join(', ')

const zipHead = [0x50, 0x4b, 0x03, 0x04]

/**
 * What an .onnx file says of itself.
 *
 * @throws {ModelError} `onnx-unreadable`: it is something else, or can't be read
 */
export async function readGraph({ name, blob }: GivenFile): Promise<OnnxHeader> {
  const called = name === '' ? 'The file' : `“${name}”`
  let head: Uint8Array
  try {
    head = new Uint8Array(await blob.slice(0, zipHead.length).arrayBuffer())
  } catch (cause) {
    throw new ModelError(
      'onnx-unreadable',
      `${called} cannot be read. Is it a folder, or was it moved or changed since it was chosen? Give it again.`,
      { cause },
    )
  }
  if (zipHead.every((byte, index) => head[index] === byte)) {
    throw new ModelError(
      'onnx-unreadable',
      `${called} is a .zip. One that was exported is brought back with models.import(); else unpack it and add its files.`,
    )
  }
  try {
    return await readOnnx(blobSource(blob))
  } catch (cause) {
    if (isHitherError(cause) && name !== '' && !isGraph({ name })) {
      throw new ModelError('onnx-unreadable', `${called} is no .onnx file. Export the model as one, and give that.`, {
        cause,
      })
    }
    throw cause
  }
}

/** The one of several graphs that is the model: others may hold its weights. */
async function pickGraph(given: readonly GivenFile[]): Promise<{ graph: GivenFile; header: OnnxHeader }> {
  const [first] = given
  if (first === undefined) throw new ModelError('onnx-unreadable', 'No file was given.')
  const graphs = given.filter(isGraph)
  const [only = first] = graphs
  if (graphs.length <= 1) return { graph: only, header: await readGraph(only) }
  const read: { readonly graph: GivenFile; readonly header: OnnxHeader }[] = []
  const refused: { readonly graph: GivenFile; readonly error: unknown }[] = []
  for (const graph of graphs) {
    await readGraph(graph).then(
      (header) => read.push({ graph, header }),
      (error: unknown) => refused.push({ graph, error }),
    )
  }
  const weights = new Set(read.flatMap(({ header }) => header.externalData.map((location) => lastOf(plain(location)))))
  const holdsWeights = ({ graph }: { readonly graph: GivenFile }) => weights.has(lastOf(plain(graph.name)))
  // Weights may be called `.onnx`, too; what nobody asks for is a model that is damaged.
  for (const file of refused) if (!holdsWeights(file)) throw file.error
  const models = read.filter((file) => !holdsWeights(file))
  const [model] = models
  if (model !== undefined && models.length === 1) return model
  throw new ValidationError(
    'options-invalid',
    `These are ${graphs.length} models: ${quoted(graphs.map(({ name }) => name))}. Add one at a time, each with its own weights.`,
  )
}

/** Ways to know a file by what the graph calls it, the surest first. */
const matches: readonly ((path: string, name: string) => boolean)[] = [
  (path, name) => path === name,
  (path, name) => name.endsWith(`/${path}`) || path.endsWith(`/${name}`),
  (path, name) => lastOf(path) === lastOf(name),
  (path, name) => lastOf(path).toLowerCase() === lastOf(name).toLowerCase(),
]

function findWeights(path: string, given: readonly GivenFile[]): GivenFile | undefined {
  for (const isMatch of matches) {
    const found = given.filter(({ name }) => isMatch(path.normalize('NFC'), plain(name)))
    if (found.length > 1) {
      throw new ValidationError(
        'options-invalid',
        `Its weights lie in “${path}”, and ${found.length} of the given files could be it: ${quoted(found.map(({ name }) => name))}. Give one of them.`,
      )
    }
    if (found[0] !== undefined) return found[0]
  }
  return undefined
}

/** Does it lead out of the model's folder? */
const leavesFolder = (location: string) => /(^|[\\/])\.\.([\\/]|$)|^[A-Za-z]:/.test(location)

/**
 * Where a graph's weights lie: the path of each in the manifest.
 *
 * @throws {ModelError} `onnx-unreadable`: in a place that no runtime takes
 */
export function weightPaths({ externalData }: Pick<OnnxHeader, 'externalData'>): readonly string[] {
  const locations = new Map<string, string>()
  for (const location of externalData) {
    const path = toFilePath(location)
    const other = locations.get(path)
    // Outside of the folder, two files may have one path.
    const isUnclear = other !== undefined && (leavesFolder(other) || leavesFolder(location))
    const isNamed = path !== '' && path.length <= mostPathCharacters && isRelativePath(path)
    if (location.startsWith('/') || !isNamed || isUnclear) {
      throw new ModelError(
        'onnx-unreadable',
        `Its weights are said to lie in “${location.slice(0, 100)}”, where no browser finds them. Save the model with its weights beside it.`,
      )
    }
    locations.set(path, location)
  }
  return [...locations.keys()]
}

/**
 * Finds the graph among given files, and the weights that it names.
 *
 * @throws {ModelError} `onnx-unreadable`: there is no model among them, or its weights are not, or not all of them
 * @throws {ValidationError} `options-invalid`: there are several models, or two files for one name
 */
export async function sortGivenFiles(given: readonly GivenFile[]): Promise<GivenModel> {
  const { graph, header } = await pickGraph(given)
  const others = given.filter((file) => file !== graph)
  const paths = weightPaths(header)
  const found = paths.map((path) => ({ path, file: findWeights(path, others) }))
  const missing = found.filter(({ file }) => file === undefined).map(({ path }) => path)
  if (missing.length > 0) {
    const those = missing.length === 1 ? 'that file' : 'those files'
    throw new ModelError(
      'onnx-unreadable',
      `Its weights lie in ${quoted(missing)}. Give ${those} together with the .onnx file.`,
    )
  }
  const weights = found.flatMap(({ path, file }) => (file === undefined ? [] : [{ path, file }]))
  assertWeightsFit(
    header,
    weights.map(({ path, file }) => ({ path, bytes: file.blob.size })),
  )
  return { graph, header, weights }
}
