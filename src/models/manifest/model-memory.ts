import type { Generation } from '../../contracts/generation.ts'
import type { Manifest } from '../../contracts/manifest.ts'
import { estimateModelMemory } from '../../device/memory-budget.ts'
import { totalBytesOf } from './total-bytes.ts'

/** Tokens that memory is set aside for where nobody says how long a text becomes. */
const usualTokens = 4_096
/** Conversations are remembered within the memory of one of the usual length, and at least so much. */
const leastRememberedBytes = 32 * 2 ** 20
/** Rows of logits that a run gives: as many as tokens of a prompt are read at once. */
const logitRows = 64
const floatBytes = 4

const bytesPerToken = ({ cache: { layers, kvHeads, headSize, type } }: Generation): number =>
  2 * layers * kvHeads * headSize * (type === 'float16' ? 2 : floatBytes)

/** Bytes that keys and values of earlier conversations may take. */
export const rememberedBytes = (generation: Generation): number =>
  Math.max(leastRememberedBytes, bytesPerToken(generation) * Math.min(generation.contextTokens, usualTokens))

/**
 * What writing takes beside the weights: keys and values of the text that is being written, twice while a run makes the
 * next ones; those that are remembered; logits.
 */
function writingBytes(generation: Generation, wantedTokens: number): number {
  const tokens = Math.min(generation.contextTokens, wantedTokens)
  const logits = logitRows * generation.vocabulary * floatBytes
  return 2 * bytesPerToken(generation) * tokens + rememberedBytes(generation) + logits
}

/**
 * Memory that a model takes while it runs, stated or estimated, in bytes.
 *
 * @param wantedTokens of prompt and answer together, of a model that writes text
 */
export function modelMemory(
  manifest: Pick<Manifest, 'files' | 'requires' | 'generation'>,
  wantedTokens = usualTokens,
): number {
  const { requires, generation } = manifest
  const writing = generation === undefined ? 0 : writingBytes(generation, wantedTokens)
  const { memoryBytes } = requires ?? {}
  if (memoryBytes === undefined) return estimateModelMemory(totalBytesOf(manifest)) + writing
  // Stated for the usual length.
  const usual = generation === undefined ? 0 : writingBytes(generation, usualTokens)
  return memoryBytes + Math.max(0, writing - usual)
}
