import type { WireForm } from '../../contracts/preprocessing.ts'
import type { TensorData, TensorMap } from '../../contracts/tensor.ts'
import { isInstance } from '../../utils/is-instance.ts'

/** A tensor in its wire form as the model takes it: float32, value = (byte − mean) × scale. */
function unpack({ dims, data }: TensorData & { readonly data: Uint8Array }, form: WireForm): TensorData {
  const { mean, scale, channelAxis = 1 } = form
  const channels = dims[channelAxis] ?? 1
  const run = dims.slice(channelAxis + 1).reduce((product, size) => product * size, 1)
  const values = new Float32Array(data.length)
  if (mean.length === 1 && scale.length === 1) {
    const table = Float32Array.from({ length: 256 }, (_, byte) => (byte - (mean[0] ?? 0)) * (scale[0] ?? 1))
    for (let i = 0; i < data.length; i += 1) values[i] = table[data[i] ?? 0] ?? 0
    return { type: 'float32', dims, data: values }
  }
  for (let i = 0; i < data.length; i += 1) {
    const channel = Math.floor(i / run) % channels
    values[i] = ((data[i] ?? 0) - (mean[channel] ?? mean[0] ?? 0)) * (scale[channel] ?? scale[0] ?? 1)
  }
  return { type: 'float32', dims, data: values }
}

/**
 * Inputs as the model takes them: those that came in their wire form are unpacked, the others are left as they are.
 * The edge and the endpoint both do it, with this very code, just before the model runs.
 */
export function unpackInputs(wire: readonly WireForm[] | undefined, inputs: TensorMap): TensorMap {
  if (wire === undefined || wire.length === 0) return inputs
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => {
      const form = wire.find(({ input }) => input === name)
      const { data } = tensor
      return [name, form !== undefined && isInstance(data, 'Uint8Array') ? unpack({ ...tensor, data }, form) : tensor]
    }),
  )
}
