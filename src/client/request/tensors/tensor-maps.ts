import { Tensor } from 'onnxruntime-common'
import type { TensorData, TensorMap } from '../../../contracts/tensor.ts'
import { checkInputs } from '../../../models/manifest/check-inputs.ts'
import { toRuntimeTensors } from '../../../utils/runtime-tensors.ts'
import { wellFormed } from '../../../utils/well-formed.ts'

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

/**
 * A caller's tensors as the model's inputs, checked. Half of a surrogate pair becomes U+FFFD: on the way to an endpoint
 * it would, so it does for this device.
 *
 * @throws {ValidationError} as `checkInputs`
 */
export function inputTensors(
  manifest: Parameters<typeof checkInputs>[0],
  tensors: Readonly<Record<string, AnyTensor>>,
): TensorMap {
  checkInputs(manifest, tensors as TensorMap)
  return Object.fromEntries(
    Object.entries(plainTensors(tensors)).map(([name, tensor]) => [name, withWholeCharacters(tensor)]),
  )
}

const withWholeCharacters = (tensor: TensorData): TensorData =>
  ArrayBuffer.isView(tensor.data) ? tensor : { ...tensor, data: tensor.data.map(wellFormed) }

/** Tensors as results carry them. */
export const resultTensors = (tensors: TensorMap): Record<string, Tensor> => toRuntimeTensors(Tensor, tensors)
