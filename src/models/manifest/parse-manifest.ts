import * as v from 'valibot'
import { type Catalog, catalogSchema, type Manifest, manifestSchema } from '../../contracts/manifest.ts'
import { ModelError } from '../../errors/model-error.ts'
import { toFilePath } from './file-path.ts'
import { findTaskProblem } from './find-task-problem.ts'
import { findTensorProblem, firstRepeated } from './find-tensor-problem.ts'
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
