import type { TensorMap } from '../contracts/tensor.ts'
import { isInstance } from './is-instance.ts'

/** The memory of these tensors, each buffer once: tensors that lie in one body share it, and are moved with it. */
export function tensorBuffers(tensors: TensorMap): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const { data } of Object.values(tensors)) {
    if (ArrayBuffer.isView(data) && isInstance(data.buffer, 'ArrayBuffer')) buffers.add(data.buffer)
  }
  return [...buffers]
}
