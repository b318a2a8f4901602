import type { TensorLiteral, TensorSpec } from '../../contracts/tensor.ts'
import { holdsNumber } from '../../protocol/tensors/tensor-numbers.ts'
import { isShapeOf, toShapeText } from './shapes.ts'

export const firstRepeated = (values: readonly string[]): string | undefined =>
  values.find((value, index) => values.indexOf(value) !== index)

/** What is wrong with the literal tensors of a manifest, held against the model's inputs or outputs. */
export function findTensorProblem(
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
    if (type === 'string') return `"${where}" has "${name}" as string, but its values can only be numbers`
    const odd = data.find((value) => !holdsNumber(type, value))
    if (odd !== undefined) return `"${where}" has ${odd} in "${name}", which is no value of ${type}`
  }
  return undefined
}
