import type { TensorMap, TensorType } from '../contracts/tensor.ts'

/** Tensors of the contract to tensors of an onnxruntime (`Tensor` of its web, node or common package). Copies no data. */
export const toRuntimeTensors = <T>(
  Tensor: new (type: TensorType, data: never, dims: readonly number[]) => T,
  tensors: TensorMap,
): Record<string, T> =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { type, dims, data }]) => [name, new Tensor(type, data as never, dims)]),
  )
