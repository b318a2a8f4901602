import { createRandom } from '../support/random.ts'

/** Prompts that nobody has read before. */
export interface Prompts {
  /** So many ids of a text, from a place of it that is drawn. */
  next(tokens: number): readonly number[]
}

/** @param ids of a long text */
export function createPrompts(ids: readonly number[], seed = 1): Prompts {
  const random = createRandom(seed)
  return {
    next(tokens) {
      const start = Math.floor(random() * (ids.length - tokens))
      return ids.slice(start, start + tokens)
    },
  }
}
