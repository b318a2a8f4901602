import type { TensorLiteral, TensorMap } from '../../contracts/tensor.ts'
import { numericData } from './tensor-numbers.ts'
import { emptyData } from './zero-tensor.ts'

/** A manifest's literal tensors as tensors. Their values are numbers, also where the type is half precision. */
export function literalTensors(literals: readonly TensorLiteral[]): TensorMap {
  return Object.fromEntries(
    literals.map(({ name, type, shape, data }) => {
      const elements = type === 'string' ? emptyData(type, data.length) : numericData(type, data)
      return [name, { type, dims: shape, data: elements }]
    }),
  )
}
