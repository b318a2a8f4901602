import type { TensorMap, TensorSpec } from '../contracts/tensor.ts'
import { toFloat16Bits } from '../protocol/tensors/float16.ts'
import { emptyData } from '../protocol/tensors/zero-tensor.ts'
import { createSeededRandom } from '../utils/seeded-random.ts'

/**
 * Inputs to compare backends on: the same at each visit, and neither zero nor alike, so that no part of a model drops
 * out of the answer. Floats lie between 0.05 and 1, bytes anywhere, other whole numbers are one: it is a valid index,
 * step, size and mask.
 *
 * A decoder of the hub's form goes on with so many tokens after as many others: its mask is as long as both, and its
 * positions are those of the second half. Logits are wanted where it asks.
 *
 * @param freeSize what free dimensions are taken as: only in a sequence does what recurs recur
 */
export function referenceInputs(specs: readonly TensorSpec[], freeSize: number): TensorMap {
  const random = createSeededRandom(1)
  const isDecoder = specs.some(({ name }) => name.startsWith('past_key_values.'))
  return Object.fromEntries(
    specs.map(({ name, type, shape }) => {
      const dims = shape?.map((size) => (size < 0 ? freeSize : size)) ?? [freeSize]
      if (isDecoder && name === 'attention_mask') dims.splice(-1, 1, 2 * freeSize)
      if (isDecoder && name === 'logit_rows') return [name, { type: 'int64', dims: [1], data: new BigInt64Array(1) }]
      const data = emptyData(
        type,
        dims.reduce((product, size) => product * size, 1),
      )
      if (isDecoder && name === 'position_ids' && data instanceof BigInt64Array) {
        data.forEach((_, at) => {
          data[at] = BigInt(freeSize + (at % freeSize))
        })
      } else if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(1n)
      else if (!Array.isArray(data)) {
        for (let at = 0; at < data.length; at += 1) {
          const part = 0.05 + 0.95 * random()
          if (type === 'float16') data[at] = toFloat16Bits(part)
          else if (type.startsWith('float')) data[at] = part
          else data[at] = type === 'uint8' ? Math.floor(part * 256) : 1
        }
      }
      return [name, { type, dims, data }]
    }),
  )
}
