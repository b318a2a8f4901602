import type { Generation } from '../contracts/generation.ts'

/** Inputs and outputs of a decoder in the hub's form. @param logitsOf tokens that it gives logits of; -1: of each */
export function decoderSpecs({ cache, vocabulary }: Pick<Generation, 'cache' | 'vocabulary'>, logitsOf: number) {
  const keyValues = (name: string) =>
    Array.from({ length: cache.layers }, (_, layer) =>
      ['key', 'value'].map((part) => ({
        name: `${name}.${layer}.${part}`,
        type: cache.type,
        shape: [-1, cache.kvHeads, -1, cache.headSize],
      })),
    ).flat()
  const ids = ['input_ids', 'attention_mask', 'position_ids'].map((name) => ({
    name,
    type: 'int64' as const,
    shape: [-1, -1],
  }))
  return {
    inputs: [...ids, ...keyValues('past_key_values')],
    outputs: [{ name: 'logits', type: 'float32' as const, shape: [-1, logitsOf, vocabulary] }, ...keyValues('present')],
  }
}
