import type { TensorSpec } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { arrayKind } from '../../protocol/tensors/datatypes.ts'
import type { OutputForm } from './write-answer.ts'

/** Largest answer: its numbers as JSON, each up to some twenty bytes; and its bytes of binary data. */
export const answerLimits = { values: 2 ** 23, bytes: 2 ** 28 }

interface Sized {
  readonly name: string
  readonly type: TensorSpec['type']
  readonly elements: number
}

/** @throws {ValidationError} `options-invalid`: so many values are not sent in the form that was asked for */
export function checkAnswerSize(outputs: readonly Sized[], forms: Readonly<Record<string, OutputForm>>): void {
  let [values, bytes] = [0, 0]
  for (const { name, type, elements } of outputs) {
    const { binary = false, classes } = forms[name] ?? {}
    if (type !== 'string') bytes += elements * arrayKind(type).BYTES_PER_ELEMENT
    if (!binary && classes === undefined) values += elements
    if (bytes > answerLimits.bytes) {
      throw new ValidationError(
        'options-invalid',
        `The answer has more than the ${answerLimits.bytes} bytes that are sent: the output ${name} has ${elements} values.`,
      )
    }
    if (values > answerLimits.values) {
      throw new ValidationError(
        'options-invalid',
        `The output ${name} has ${elements} values, and at most ${answerLimits.values} are sent as JSON; ask for binary data.`,
      )
    }
  }
}

/**
 * The least that outputs will hold, from what is known before the run: a free first dimension has as many rows as the
 * inputs have, any other free dimension is counted as 1.
 */
export const leastSizes = (specs: readonly TensorSpec[], rows: number | undefined): readonly Sized[] =>
  specs.map(({ name, type, shape = [] }) => {
    const elements = shape.reduce((product, size, index) => {
      const free = index === 0 && shape.length > 1 ? (rows ?? 1) : 1
      return product * (size === -1 ? free : size)
    }, 1)
    return { name, type, elements }
  })
