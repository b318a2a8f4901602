import type { NumericData, TensorData, TensorMap, TensorType } from '../../contracts/tensor.ts'
import type { Runtime } from './runtime.ts'

type RuntimeTensor = InstanceType<Runtime['Tensor']>

/** Tensors of the contract to tensors of the runtime. The data is not copied. */
export function toRuntimeTensors({ Tensor }: Runtime, tensors: TensorMap): Record<string, RuntimeTensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, dims, data }]) => [
      name,
      new Tensor(type, data as never, [...dims]) as RuntimeTensor,
    ]),
  )
}

/** The runtime may use Float16Array where the browser has it; the contract's float16 is raw bits everywhere. */
const toBits = (data: NumericData): NumericData =>
  data.constructor.name === 'Float16Array' ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data

export interface RuntimeOutputs {
  readonly outputs: TensorMap
  /** The outputs' buffers, each once: what can be handed over instead of copied. */
  readonly buffers: ArrayBuffer[]
}

/** Outputs of the runtime to tensors of the contract. */
export async function fromRuntimeTensors(tensors: Readonly<Record<string, RuntimeTensor>>): Promise<RuntimeOutputs> {
  const outputs: Record<string, TensorData> = {}
  const buffers = new Set<ArrayBuffer>()
  for (const [name, tensor] of Object.entries(tensors)) {
    const raw = await tensor.getData()
    const data = Array.isArray(raw) ? raw : toBits(raw as NumericData)
    outputs[name] = { type: tensor.type as TensorType, dims: tensor.dims, data }
    if (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer)
  }
  return { outputs, buffers: [...buffers] }
}
