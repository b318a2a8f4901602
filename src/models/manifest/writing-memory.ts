import type { Generation } from '../../contracts/generation.ts'

/** Tokens that memory is set aside for where nobody says how long a text becomes. */
export const usualTokens = 4_096
/** Conversations are remembered within the memory of one of the usual length, and at least so much. */
const leastRememberedBytes = 32 * 2 ** 20
/** Rows of logits that a run gives: as many as tokens of a prompt are read at once. */
const logitRows = 64
const floatBytes = 4

/** Bytes of keys and values of one token. */
export const bytesPerToken = ({ cache: { layers, kvHeads, headSize, type } }: Pick<Generation, 'cache'>): number =>
  2 * layers * kvHeads * headSize * (type === 'float16' ? 2 : floatBytes)

/** Bytes that keys and values of earlier conversations may take. */
export const rememberedBytes = (generation: Generation): number =>
  Math.max(leastRememberedBytes, bytesPerToken(generation) * Math.min(generation.contextTokens, usualTokens))

/**
 * What writing takes beside the weights: keys and values of the text that is being written, twice while a run makes the
 * next ones; those that are remembered; logits.
 */
export function writingBytes(generation: Generation, wantedTokens: number): number {
  const tokens = Math.min(generation.contextTokens, wantedTokens)
  const logits = logitRows * generation.vocabulary * floatBytes
  return 2 * bytesPerToken(generation) * tokens + rememberedBytes(generation) + logits
}
