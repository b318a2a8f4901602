import type { TensorData } from '../../contracts/tensor.ts'
import { ModelError } from '../../errors/model-error.ts'
import { tensorNumbers } from '../../protocol/tensors/tensor-numbers.ts'

/** A classifier's answer: every class with its probability, the likeliest first. */
export interface Classification {
  readonly label: string
  readonly probability: number
  readonly classes: readonly { readonly label: string; readonly probability: number }[]
}

/** How far from 1 the probabilities may add up to: half-precision backends round each of them. */
const sumTolerance = 0.02

const wrongAnswer = (detail: string) =>
  new ModelError('model-wrong-answer', 'The model gave an answer that makes no sense. Try again.', {
    context: { detail },
  })

/** Softmax, with the largest logit taken off first so that none overflows. */
function toProbabilities(logits: readonly number[]): number[] {
  const most = logits.reduce((max, logit) => Math.max(max, logit), Number.NEGATIVE_INFINITY)
  const powers = logits.map((logit) => Math.exp(logit - most))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

/**
 * Reads a classifier's output, `[classes]` or `[1, classes]` probabilities (logits with `softmax`) of any type of
 * numbers, as an answer.
 *
 * @throws {ModelError} `model-wrong-answer` when it is not one finite probability for each label
 */
export function toClassification(output: TensorData, labels: readonly string[], softmax = false): Classification {
  const { dims } = output
  const data = tensorNumbers(output)
  if (data === undefined) throw wrongAnswer(`type ${output.type}`)
  const shapeFits = dims.at(-1) === labels.length && dims.slice(0, -1).every((dim) => dim === 1)
  if (!shapeFits || data.length !== labels.length) throw wrongAnswer(`shape ${dims.join('×')}`)
  const values = Array.from(data)
  const probabilities = softmax ? toProbabilities(values) : values
  const classes = labels.map((label, index) => ({ label, probability: probabilities[index] ?? Number.NaN }))
  const sum = classes.reduce((total, { probability }) => total + probability, 0)
  const plausible = classes.every(({ probability }) => probability >= -sumTolerance && probability <= 1 + sumTolerance)
  if (!plausible || !(Math.abs(sum - 1) <= sumTolerance)) throw wrongAnswer('values that are no probabilities')
  classes.sort((a, b) => b.probability - a.probability)
  const [best] = classes
  if (best === undefined) throw wrongAnswer('no classes')
  return { ...best, classes }
}
