import type { TensorLiteral, TensorMap } from '../../contracts/tensor.ts'
import { emptyData } from './zero-tensor.ts'

/** A manifest's literal tensors as tensors. */
export function literalTensors(literals: readonly TensorLiteral[]): TensorMap {
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
