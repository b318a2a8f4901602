import type { TextCodec } from '../../src/generation/prompt/text-codec.ts'
import type { GivenPrompt } from '../pages/text-writer.ts'
import { createRandom } from '../support/random.ts'

/** Prompts that nobody has read before. */
export interface Prompts {
  /** So many tokens of a text, from a place of it that is drawn: as text, they are the same tokens. */
  next(tokens: number): GivenPrompt
  of(ids: readonly number[]): GivenPrompt
  idsOf(text: string): readonly number[]
}

/** @param text a long one */
export function createPrompts(text: string, codec: TextCodec, seed = 1): Prompts {
  const all = codec.encode(text, { whole: false })
  const random = createRandom(seed)
  const of = (ids: readonly number[]): GivenPrompt => ({ text: codec.decode(ids), ids })
  return {
    of,
    idsOf: (given) => codec.encode(given, { whole: false }),
    next(tokens) {
      for (;;) {
        const start = Math.floor(random() * (all.length - tokens))
        const prompt = of(all.slice(start, start + tokens))
        // Cut within a word, a text may be split otherwise.
        if (String(codec.encode(prompt.text, { whole: false })) === String(prompt.ids)) return prompt
      }
    },
  }
}
