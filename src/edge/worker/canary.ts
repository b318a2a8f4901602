import type { TensorLiteral, TensorMap, TensorSpec } from '../../contracts/tensor.ts'
import { ModelError } from '../../errors/model-error.ts'
import { leastDims } from '../../models/manifest/shapes.ts'
import { tensorNumbers } from '../../protocol/tensors/tensor-numbers.ts'
import { zeroTensor } from '../../protocol/tensors/zero-tensor.ts'

/** Zeros in the shape of the model's inputs, every free dimension at 1: enough to warm a session up. */
export function zeroInputs(specs: readonly TensorSpec[]): TensorMap {
  return Object.fromEntries(specs.map(({ name, type, shape }) => [name, zeroTensor(type, leastDims(shape))]))
}

/**
 * Compares a session's answer with the one the model gave when it was made.
 *
 * @throws {ModelError} `model-wrong-answer`: an output is missing, has another length, is NaN, or is further off than `tolerance`
 */
export function checkCanary(expected: readonly TensorLiteral[], got: TensorMap, tolerance: number): void {
  for (const { name, data } of expected) {
    const output = got[name]
    const answer = output && tensorNumbers(output)
    const wrong =
      answer === undefined ||
      answer.length !== data.length ||
      data.some((value, index) => !(Math.abs((answer[index] ?? Number.NaN) - value) <= tolerance))
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
