import type { Manifest } from '../../contracts/manifest.ts'
import type { InkPreprocessing, PicturePreprocessing } from '../../contracts/preprocessing.ts'
import type { TensorSpec, TensorType } from '../../contracts/tensor.ts'
import { findTensorProblem } from './find-tensor-problem.ts'
import { isShapeOf, toShapeText } from './shapes.ts'

/** The outputs that become an answer. A classifier's first one does, where its manifest does not say how. */
function decodedOutputs({ task, labels, decoding, outputs }: Manifest): string[] {
  if (decoding?.kind === 'boxes') return [decoding.boxes, decoding.scores]
  if (decoding !== undefined) return [decoding.output]
  const classifies = task === 'image-classification' || task === 'text-classification'
  return classifies && labels !== undefined ? outputs.slice(0, 1).map(({ name }) => name) : []
}

/** What is decoded is there, and numbers: each of their types can be read. */
function findDecodingProblem(manifest: Manifest): string | undefined {
  for (const output of decodedOutputs(manifest)) {
    const spec = manifest.outputs.find(({ name }) => name === output)
    if (spec === undefined) return `"decoding" names "${output}", which is not one of "outputs"`
    if (spec.type === 'string') return `"decoding" reads numbers, but the output "${output}" holds strings`
  }
  return undefined
}

const findMisfit = ({ name, type, shape }: TensorSpec, made: TensorType, dims: readonly number[]) =>
  type === made && isShapeOf(dims, shape)
    ? undefined
    : `"preprocessing" makes ${made} ${toShapeText(dims)}, but "${name}" is ${type} ${toShapeText(shape)}`

/** What a picture, a text or a sound is made into fits the model, as it is or in its wire form. */
function findPreprocessingProblem({ preprocessing, wire = [], inputs, files }: Manifest): string | undefined {
  const [first] = inputs
  if (first === undefined || preprocessing === undefined) return undefined
  if (preprocessing.kind === 'picture' || preprocessing.kind === 'ink') {
    const dims = pictureDims(preprocessing)
    if (!isShapeOf(dims, first.shape)) {
      return `"preprocessing" makes ${toShapeText(dims)}, but "${first.name}" is ${toShapeText(first.shape)}`
    }
    const fits = first.type === 'uint8' || wire.some(({ input }) => input === first.name)
    return fits ? undefined : `"preprocessing" makes bytes: "${first.name}" must be uint8, or have a form in "wire"`
  }
  if (preprocessing.kind === 'text') return findMisfit({ ...first, shape: loose(first.shape, 1) }, 'int32', [1, -1])
  if (preprocessing.kind === 'tokens') {
    const { tokenizer, tokenizerConfig = tokenizer } = preprocessing
    const unlisted = [tokenizer, tokenizerConfig].find((path) => !files.some((file) => file.path === path))
    if (unlisted !== undefined) return `"preprocessing" names ${unlisted}, which is not one of "files"`
    if (!inputs.some(({ name }) => name === 'input_ids')) return '"preprocessing" makes "input_ids", which is no input'
    const odd = inputs.find(({ name, type }) => tokenInputs.has(name) && type !== 'int64' && type !== 'int32')
    return odd && `"preprocessing" makes whole numbers: "${odd.name}" must be int64 or int32, but is ${odd.type}`
  }
  const { windowSamples, contextSamples = 0, constants = [] } = preprocessing
  return (
    findMisfit(first, 'float32', [1, windowSamples + contextSamples]) ??
    findTensorProblem(constants, inputs, 'inputs', 'preprocessing.constants')
  )
}

const tokenInputs: ReadonlySet<string> = new Set(['input_ids', 'attention_mask', 'token_type_ids'])

/** The shape with any size along an axis: how much of it a text fills is known only when there is a text. */
const loose = (shape: readonly number[] | undefined, axis: number): number[] | undefined =>
  shape?.map((size, index) => (index === axis ? -1 : size))

function pictureDims(preprocessing: PicturePreprocessing | InkPreprocessing): number[] {
  if (preprocessing.kind === 'ink') return [1, 1, preprocessing.size, preprocessing.size]
  const { width, height, channels, layout } = preprocessing
  const count = channels === 'grey' ? 1 : 3
  return layout === 'nchw' ? [1, count, height, width] : [1, height, width, count]
}

/** A language model's files are listed, its ends are tokens, and its tensors are a decoder's. */
function findGenerationProblem({ task, generation, files, inputs, outputs }: Manifest): string | undefined {
  if (generation === undefined) {
    return task === 'text-generation' ? '"task" is text-generation, but there is no "generation"' : undefined
  }
  const { tokenizer, tokenizerConfig, chatTemplate, ends, vocabulary } = generation
  const unlisted = [tokenizer, tokenizerConfig, chatTemplate].find(
    (path) => path !== undefined && !files.some((file) => file.path === path),
  )
  if (unlisted !== undefined) return `"generation" names ${unlisted}, which is not one of "files"`
  const beyond = ends.find((id) => id >= vocabulary)
  if (beyond !== undefined) return `"generation.ends" has ${beyond}, and the model has ${vocabulary} tokens`
  if (!inputs.some(({ name }) => name === 'input_ids')) return '"generation" needs an input "input_ids"'
  if (!outputs.some(({ name }) => name === 'logits')) return '"generation" needs an output "logits"'
  return undefined
}

/** What a manifest makes of a person's input, and of the model's outputs, fits the model's own tensors. */
export function findTaskProblem(manifest: Manifest): string | undefined {
  const { wire = [], inputs } = manifest
  const unknown = wire.find(({ input }) => !inputs.some(({ name, type }) => name === input && type === 'float32'))
  if (unknown !== undefined) return `"wire" names "${unknown.input}", which is not a float32 input`
  return findDecodingProblem(manifest) ?? findPreprocessingProblem(manifest) ?? findGenerationProblem(manifest)
}
