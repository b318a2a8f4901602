import type { Manifest } from '../../contracts/manifest.ts'
import { estimateModelMemory } from '../../device/memory-budget.ts'
import { totalBytesOf } from './total-bytes.ts'
import { usualTokens, writingBytes } from './writing-memory.ts'

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
