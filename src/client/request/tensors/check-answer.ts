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
 * Holds a model's answer against its manifest, by one rule for this device and endpoints: each output is there, in a
 * shape that the manifest allows. Another model under the same name must not pass for this one, and what reads answers
 * relies on their shapes.
 *
 * @returns the first thing that does not fit
 */
export function findAnswerProblem(
  { outputs: specs }: Pick<Manifest, 'outputs'>,
  outputs: TensorMap,
): AnswerProblem | undefined {
  for (const { name, shape } of specs) {
    const output = Object.hasOwn(outputs, name) ? outputs[name] : undefined
    if (output !== undefined && isShapeOf(output.dims, shape)) continue
    return {
      output: name,
      got: output === undefined ? 'missing' : toShapeText(output.dims),
      expected: toShapeText(shape),
    }
  }
  return undefined
}

/** The outputs that the manifest names, and no others: what came beside them, came unasked. */
export const pickOutputs = ({ outputs: specs }: Pick<Manifest, 'outputs'>, outputs: TensorMap): TensorMap =>
  Object.fromEntries(
    specs.flatMap(({ name }) => (Object.hasOwn(outputs, name) ? [[name, outputs[name]]] : [])),
  ) as TensorMap
