import { Tensor } from 'onnxruntime-common'
import type { TensorData, TensorMap } from '../../../contracts/tensor.ts'
import { toRuntimeTensors } from '../../../utils/runtime-tensors.ts'

/** A tensor of ours or of onnxruntime-common. */
interface AnyTensor {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: unknown
}

/** Tensors without all else that a caller's objects carry: what can cross to a worker. */
export const plainTensors = (tensors: Readonly<Record<string, AnyTensor>>): TensorMap =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { type, dims, data }]) => [name, { type, dims, data } as TensorData]),
  )

/** Tensors as results carry them. */
export const resultTensors = (tensors: TensorMap): Record<string, Tensor> => toRuntimeTensors(Tensor, tensors)
