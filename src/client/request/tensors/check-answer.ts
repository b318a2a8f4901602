import type { Manifest } from '../../../contracts/manifest.ts'
import type { TensorMap } from '../../../contracts/tensor.ts'
import { isShapeOf, toShapeText } from '../../../models/manifest/shapes.ts'

/** What an answer of a model lacks to be the manifest's: whose output it is, what came, and what should have come. */
export interface AnswerProblem {
  readonly output: string
  readonly got: string
  readonly expected: string
}

/**
 * Holds a model's answer against its manifest, by one rule for this device and endpoints: each output is there, in the
 * manifest's type and in a shape that it allows. Another model under the same name must not pass for this one, and what
 * reads answers relies on their types and shapes: an answer is the same from either arm, or it is none.
 *
 * @returns the first thing that does not fit
 */
export function findAnswerProblem(
  { outputs: specs }: Pick<Manifest, 'outputs'>,
  outputs: TensorMap,
): AnswerProblem | undefined {
  for (const { name, type, shape } of specs) {
    const output = Object.hasOwn(outputs, name) ? outputs[name] : undefined
    if (output === undefined) return { output: name, got: 'missing', expected: `${type} ${toShapeText(shape)}` }
    if (output.type !== type) return { output: name, got: output.type, expected: type }
    if (!isShapeOf(output.dims, shape)) {
      return { output: name, got: toShapeText(output.dims), expected: toShapeText(shape) }
    }
  }
  return undefined
}

/** The outputs that the manifest names, and no others: what came beside them, came unasked. */
export const pickOutputs = ({ outputs: specs }: Pick<Manifest, 'outputs'>, outputs: TensorMap): TensorMap =>
  Object.fromEntries(
    specs.flatMap(({ name }) => (Object.hasOwn(outputs, name) ? [[name, outputs[name]]] : [])),
  ) as TensorMap
