import * as v from 'valibot'
import { type Catalog, catalogSchema, type Manifest, manifestSchema } from '../../contracts/manifest.ts'
import type { TensorLiteral, TensorSpec } from '../../contracts/tensor.ts'
import { ModelError } from '../../errors/model-error.ts'
import { toFilePath } from './file-path.ts'
import { isShapeOf, toShapeText } from './shapes.ts'
import { totalBytesOf } from './total-bytes.ts'
import { withVariant } from './with-variant.ts'

/** What 32-bit WebAssembly and its runtime can take in. */
export const maxModelBytes = 2 * 1024 ** 3

/** `inputs[0].shape: Invalid type: …`: the first thing that is wrong, and where. */
function toProblem(issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]]): string {
  const [issue] = issues
  const path = v.getDotPath(issue)
  return path === null ? issue.message : `"${path}": ${issue.message}`
}

const firstRepeated = (values: readonly string[]): string | undefined =>
  values.find((value, index) => values.indexOf(value) !== index)

function findTensorProblem(
  literals: readonly TensorLiteral[],
  specs: readonly TensorSpec[],
  field: string,
  where = `canary.${field}`,
) {
  const repeated = firstRepeated(literals.map((literal) => literal.name))
  if (repeated !== undefined) return `"${where}" has "${repeated}" twice`
  for (const { name, type, shape, data } of literals) {
    const spec = specs.find((candidate) => candidate.name === name)
    if (spec === undefined) return `"${where}" has "${name}", which is not one of the model's ${field}`
    if (type !== spec.type) return `"${where}" has "${name}" as ${type}, but the model's is ${spec.type}`
    if (!isShapeOf(shape, spec.shape)) {
      return `"${where}" has "${name}" in shape ${toShapeText(shape)}, but the model's is ${toShapeText(spec.shape)}`
    }
    const elements = shape.reduce((product, size) => product * size, 1)
    if (data.length !== elements) {
      return `"${where}" has ${data.length} values in "${name}", but its shape needs ${elements}`
    }
  }
  return undefined
}

/** A state goes from an output to an input of the same type, and its first value fits that input. */
function findStateProblem({ state = [], inputs, outputs }: Manifest): string | undefined {
  const repeated = firstRepeated(state.map(({ input }) => input)) ?? firstRepeated(state.map(({ output }) => output))
  if (repeated !== undefined) return `"state" has "${repeated}" twice`
  for (const { input, output, shape } of state) {
    const to = inputs.find(({ name }) => name === input)
    const from = outputs.find(({ name }) => name === output)
    if (to === undefined) return `"state" names "${input}", which is not one of "inputs"`
    if (from === undefined) return `"state" names "${output}", which is not one of "outputs"`
    if (to.type !== from.type) return `"state" leads "${output}" (${from.type}) to "${input}" (${to.type})`
    if (!isShapeOf(shape, to.shape)) {
      return `"state" starts "${input}" in shape ${toShapeText(shape)}, but the model's is ${toShapeText(to.shape)}`
    }
  }
  return undefined
}

/** A picture's bytes fit the first input, as they are or in its wire form; what is decoded is there. */
function findTaskProblem(manifest: Manifest): string | undefined {
  const { preprocessing, decoding, wire = [], inputs, outputs, files } = manifest
  const unknown = wire.find(({ input }) => !inputs.some(({ name, type }) => name === input && type === 'float32'))
  if (unknown !== undefined) return `"wire" names "${unknown.input}", which is not a float32 input`
  const named =
    decoding === undefined ? [] : decoding.kind === 'boxes' ? [decoding.boxes, decoding.scores] : [decoding.output]
  const missing = named.find((output) => !outputs.some(({ name }) => name === output))
  if (missing !== undefined) return `"decoding" names "${missing}", which is not one of "outputs"`
  const [first] = inputs
  if (first === undefined) return undefined
  if (preprocessing?.kind === 'picture') {
    const { width, height, channels, layout } = preprocessing
    const count = channels === 'grey' ? 1 : 3
    const dims = layout === 'nchw' ? [1, count, height, width] : [1, height, width, count]
    if (!isShapeOf(dims, first.shape)) {
      return `"preprocessing" makes ${toShapeText(dims)}, but "${first.name}" is ${toShapeText(first.shape)}`
    }
    const fits = first.type === 'uint8' || wire.some(({ input }) => input === first.name)
    if (!fits) return `"preprocessing" makes bytes: "${first.name}" must be uint8, or have a form in "wire"`
  }
  if (preprocessing?.kind === 'tokens') {
    const { tokenizer, tokenizerConfig = tokenizer } = preprocessing
    const unlisted = [tokenizer, tokenizerConfig].find((path) => !files.some((file) => file.path === path))
    if (unlisted !== undefined) return `"preprocessing" names ${unlisted}, which is not one of "files"`
    if (!inputs.some(({ name }) => name === 'input_ids')) return '"preprocessing" makes "input_ids", which is no input'
  }
  if (preprocessing?.kind === 'sound') {
    const { windowSamples, contextSamples = 0, constants = [] } = preprocessing
    const dims = [1, windowSamples + contextSamples]
    if (first.type !== 'float32' || !isShapeOf(dims, first.shape)) {
      return `"preprocessing" makes float32 ${toShapeText(dims)}, but "${first.name}" is ${first.type} ${toShapeText(first.shape)}`
    }
    return findTensorProblem(constants, inputs, 'inputs', 'preprocessing.constants')
  }
  return undefined
}

/** A variant must be a whole manifest in place of the base. */
function findVariantProblem(manifest: Manifest): string | undefined {
  const { variants = [] } = manifest
  const repeated = firstRepeated(variants.map(({ name }) => name))
  if (repeated !== undefined) return `"variants" has "${repeated}" twice`
  for (const variant of variants) {
    const problem = findProblem(withVariant(manifest, variant))
    if (problem !== undefined) return `variant "${variant.name}": ${problem}`
  }
  return undefined
}

/** What the schema of one field alone cannot see. */
function findProblem(manifest: Manifest): string | undefined {
  const { files, graph, inputs, outputs, canary } = manifest
  // Two spellings of one path are one file.
  const repeatedPath = firstRepeated(files.map((file) => toFilePath(file.path)))
  if (repeatedPath !== undefined) return `"files" has ${repeatedPath} twice`
  if (!files.some((file) => file.path === graph)) return `"graph" names ${graph}, which is not one of "files"`
  const unlisted = manifest.externalData?.find((path) => !files.some((file) => file.path === toFilePath(path)))
  if (unlisted !== undefined) return `"externalData" names ${unlisted}, which is not one of "files"`
  const totalBytes = totalBytesOf(manifest)
  if (totalBytes > maxModelBytes)
    return `"files" have ${totalBytes} bytes, more than the ${maxModelBytes} a browser can load`
  for (const [field, specs] of [
    ['inputs', inputs],
    ['outputs', outputs],
  ] as const) {
    const repeated = firstRepeated(specs.map((spec) => spec.name))
    if (repeated !== undefined) return `"${field}" has "${repeated}" twice`
  }
  const stateProblem = findStateProblem(manifest) ?? findTaskProblem(manifest)
  if (stateProblem !== undefined || canary === undefined) return stateProblem
  const missing = inputs.find((spec) => !canary.inputs.some((literal) => literal.name === spec.name))
  if (missing !== undefined) return `"canary.inputs" lacks "${missing.name}"`
  if (canary.outputs.length === 0) return '"canary.outputs" is empty'
  return findTensorProblem(canary.inputs, inputs, 'inputs') ?? findTensorProblem(canary.outputs, outputs, 'outputs')
}

/**
 * Checks a manifest before anything of it is used: each field, and the fields against each other.
 *
 * @param where its address or path, for the error's sentence
 * @throws {ModelError} `manifest-invalid`, naming the first field that is wrong
 */
export function parseManifest(value: unknown, where: string): Manifest {
  const parsed = v.safeParse(manifestSchema, value)
  const problem = parsed.success
    ? (findProblem(parsed.output) ?? findVariantProblem(parsed.output))
    : toProblem(parsed.issues)
  if (parsed.success && problem === undefined) return parsed.output
  throw new ModelError('manifest-invalid', `The manifest at ${where} cannot be used: ${problem}.`, {
    context: { problem: problem ?? '' },
  })
}

/**
 * Checks a catalogue: each field, and that no model is listed twice.
 *
 * @param where its address or path, for the error's sentence
 * @throws {ModelError} `catalog-unavailable`, naming the first field that is wrong
 */
export function parseCatalog(value: unknown, where: string): Catalog {
  const parsed = v.safeParse(catalogSchema, value)
  const repeated = parsed.success ? firstRepeated(parsed.output.models.map((model) => model.name)) : undefined
  if (parsed.success && repeated === undefined) return parsed.output
  const problem = parsed.success ? `"models" has "${repeated}" twice` : toProblem(parsed.issues)
  throw new ModelError('catalog-unavailable', `The catalogue at ${where} cannot be used: ${problem}.`)
}
