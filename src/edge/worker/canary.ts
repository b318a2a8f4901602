import type { TensorLiteral, TensorMap, TensorSpec } from '../../contracts/tensor.ts'
import { ModelError } from '../../errors/model-error.ts'
import { emptyData, zeroTensor } from './empty-data.ts'

/** Zeros in the shape of the model's inputs, every free dimension at 1: enough to warm a session up. */
export function zeroInputs(specs: readonly TensorSpec[]): TensorMap {
  return Object.fromEntries(
    specs.map(({ name, type, shape }) => [
      name,
      zeroTensor(
        type,
        shape.map((dim) => (dim < 0 ? 1 : dim)),
      ),
    ]),
  )
}

/** A manifest's literal tensors as inputs. */
export function literalInputs(literals: readonly TensorLiteral[]): TensorMap {
  return Object.fromEntries(
    literals.map(({ name, type, shape, data }) => {
      const target = emptyData(type, data.length)
      data.forEach((value, index) => {
        if (target instanceof BigInt64Array || target instanceof BigUint64Array) target[index] = BigInt(value)
        else if (!Array.isArray(target)) target[index] = value
      })
      return [name, { type, dims: shape, data: target }]
    }),
  )
}

/**
 * Compares a session's answer with the one the model gave when it was made.
 *
 * @throws {ModelError} `model-wrong-answer`: an output is missing, has another length, is NaN, or is further off than `tolerance`
 */
export function checkCanary(expected: readonly TensorLiteral[], got: TensorMap, tolerance: number): void {
  for (const { name, data } of expected) {
    const answer = got[name]?.data
    const wrong =
      answer === undefined ||
      answer.length !== data.length ||
      data.some((value, index) => !(Math.abs(Number(answer[index]) - value) <= tolerance))
    if (wrong) {
      throw new ModelError(
        'model-wrong-answer',
        'This backend gives wrong answers for this model, so it is not used.',
        {
          context: { output: name, tolerance },
        },
      )
    }
  }
}
