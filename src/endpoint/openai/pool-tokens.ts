import type { EmbeddingDecoding } from '../../contracts/decoding.ts'
import type { TensorData } from '../../contracts/tensor.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { tensorNumbers } from '../../protocol/tensors/tensor-numbers.ts'

/**
 * One text's vector, from a model's output for it: `[1, size]`, or `[1, tokens, size]`, which is pooled.
 *
 * @throws {CloudError} `cloud-failed`: the output is not what the manifest says
 */
export function toEmbedding(tensor: TensorData | undefined, decoding: EmbeddingDecoding): Float32Array {
  const { pooling, normalize = false } = decoding
  const dims = tensor?.dims ?? []
  const tokens = pooling === 'none' ? 1 : (dims[1] ?? 0)
  const size = dims.at(-1) ?? 0
  const values = tensor && tensorNumbers(tensor)
  const isWhole = dims.length === (pooling === 'none' ? 2 : 3) && dims[0] === 1 && tokens > 0 && size > 0
  if (values === undefined || !isWhole) {
    throw new CloudError('cloud-failed', "The model's output is not an embedding, though its manifest says so.")
  }
  const vector = new Float32Array(size)
  const from = pooling === 'last' ? tokens - 1 : 0
  const until = pooling === 'mean' ? tokens : from + 1
  for (let at = 0; at < size; at += 1) {
    let sum = 0
    for (let token = from; token < until; token += 1) sum += values[token * size + at] ?? 0
    vector[at] = sum / (until - from)
  }
  if (!normalize) return vector
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  return length === 0 ? vector : vector.map((value) => value / length)
}
