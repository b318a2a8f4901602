import type { NumericData, TensorData, TensorMap, TensorType } from '../../contracts/tensor.ts'
import type { Runtime } from './runtime.ts'

export type RuntimeTensor = InstanceType<Runtime['Tensor']>

/** The runtime may use Float16Array where the browser has it; the contract's float16 is raw bits everywhere. */
const toBits = (data: NumericData): NumericData =>
  data.constructor.name === 'Float16Array' ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data

export interface RuntimeOutputs {
  readonly outputs: TensorMap
  /** The outputs' buffers, each once: what can be handed over instead of copied. */
  readonly buffers: ArrayBuffer[]
}

/**
 * Outputs of the runtime to tensors of the contract, read back from the graphics processor where they lie there.
 *
 * @param kept tensors that go on being used: their data is copied, and not handed over
 */
export async function fromRuntimeTensors(
  tensors: Readonly<Record<string, RuntimeTensor>>,
  kept?: ReadonlySet<RuntimeTensor>,
): Promise<RuntimeOutputs> {
  const outputs: Record<string, TensorData> = {}
  const buffers = new Set<ArrayBuffer>()
  for (const [name, tensor] of Object.entries(tensors)) {
    const raw = await tensor.getData(!kept?.has(tensor))
    const data = Array.isArray(raw) ? raw : toBits(raw as NumericData)
    const own = kept?.has(tensor) && !Array.isArray(data) ? data.slice() : data
    outputs[name] = { type: tensor.type as TensorType, dims: tensor.dims, data: own }
    if (ArrayBuffer.isView(own) && own.buffer instanceof ArrayBuffer) buffers.add(own.buffer)
  }
  return { outputs, buffers: [...buffers] }
}
