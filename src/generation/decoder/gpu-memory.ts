import type { Tensor } from 'onnxruntime-common'
import type { DecoderShape } from './decoder-shape.ts'
import type { KeyValueMemory } from './key-value-memory.ts'
import { cacheParts, type KeyValues, noKeyValues } from './key-values.ts'

/** A buffer for each part of the cache, with room for so many tokens. */
interface BufferSet {
  readonly capacity: number
  readonly buffers: readonly GPUBuffer[]
}

const leastCapacity = 64
/** Sets that are kept for the next run: a run reads one and writes another. */
const mostFree = 2

/** Room for so many tokens: a power of two, so that a text that grows seldom needs more. */
export function capacityFor(tokens: number): number {
  let capacity = leastCapacity
  while (capacity < tokens) capacity *= 2
  return capacity
}

/**
 * On a graphics processor, in buffers that are given to each run beforehand: without them the runtime would take fresh
 * ones for every token, and slow down with the text's length.
 */
export function createGpuMemory(shape: DecoderShape, device: GPUDevice, TensorClass: typeof Tensor): KeyValueMemory {
  const { kvHeads, headSize, type } = shape
  const parts = cacheParts(shape)
  const rowBytes = headSize * (type === 'float16' ? 2 : 4)
  const start = noKeyValues(shape, TensorClass)
  const free: BufferSet[] = []
  /** Who owns a set: how many hold these keys and values. */
  const owned = new Map<KeyValues, { readonly set: BufferSet; holders: number }>()
  const prepared = new Map<Readonly<Record<string, Tensor>>, { readonly set: BufferSet; readonly length: number }>()

  const lend = (tokens: number): BufferSet => {
    const capacity = capacityFor(tokens)
    const at = free.findIndex((set) => set.capacity === capacity)
    const [known] = at < 0 ? [] : free.splice(at, 1)
    if (known !== undefined) return known
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage
    const size = kvHeads * capacity * rowBytes
    const usage = STORAGE | COPY_SRC | COPY_DST
    return { capacity, buffers: parts.map(() => device.createBuffer({ size, usage })) }
  }
  const giveBack = (set: BufferSet) => {
    free.push(set)
    for (const oldest of free.splice(0, Math.max(0, free.length - mostFree))) {
      for (const buffer of oldest.buffers) buffer.destroy()
    }
  }
  const tensorsOf = ({ buffers }: BufferSet, length: number, name: (part: string) => string) =>
    Object.fromEntries(
      parts.map((part, index) => {
        const tensor = TensorClass.fromGpuBuffer(buffers[index] as GPUBuffer, {
          dataType: type,
          dims: [1, kvHeads, length, headSize],
        })
        return [name(part), tensor as Tensor]
      }),
    )
  const own = (set: BufferSet, length: number): KeyValues => {
    const keyValues = {
      length,
      places: length,
      bytes: parts.length * kvHeads * set.capacity * rowBytes,
      feeds: tensorsOf(set, length, (part) => `past_key_values.${part}`),
    }
    owned.set(keyValues, { set, holders: 1 })
    return keyValues
  }

  return {
    start,
    prepare(length) {
      const set = lend(length)
      const outputs = tensorsOf(set, length, (part) => `present.${part}`)
      prepared.set(outputs, { set, length })
      return outputs
    },
    take(_, outputs) {
      const place = outputs && prepared.get(outputs)
      if (outputs === undefined || place === undefined) throw new TypeError('nothing was prepared for this run')
      prepared.delete(outputs)
      return own(place.set, place.length)
    },
    discard(outputs) {
      const place = outputs && prepared.get(outputs)
      if (outputs === undefined || place === undefined) return
      prepared.delete(outputs)
      giveBack(place.set)
    },
    first(keyValues, length) {
      const held = owned.get(keyValues)
      if (length <= 0 || held === undefined) return start
      if (length >= keyValues.length) {
        held.holders += 1
        return keyValues
      }
      const set = lend(length)
      const encoder = device.createCommandEncoder()
      const [from, to] = [keyValues.length * rowBytes, length * rowBytes]
      for (const [index, target] of set.buffers.entries()) {
        const source = held.set.buffers[index] as GPUBuffer
        for (let head = 0; head < kvHeads; head += 1) {
          encoder.copyBufferToBuffer(source, head * from, target, head * to, to)
        }
      }
      device.queue.submit([encoder.finish()])
      return own(set, length)
    },
    release(keyValues) {
      const held = owned.get(keyValues)
      if (held === undefined) return
      held.holders -= 1
      if (held.holders > 0) return
      owned.delete(keyValues)
      giveBack(held.set)
    },
  }
}
