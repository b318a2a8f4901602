import { sharedLength } from '../decoder/remembered-prefixes.ts'
import type { TextCodec } from '../prompt/text-codec.ts'
import { createTextStream } from '../text/text-stream.ts'

/** Tokens of the prompt that the answer's are found after: a word's first token depends on what is before it. */
const mostBefore = 16

/** A text as a model's tokens, where another one has written it. */
export interface TokensOfAnswer {
  readonly answer: readonly number[]
  /** What of the answer's text these tokens are: a beginning of it. */
  readonly text: string
}

/**
 * The tokens of an answer that is known as text only.
 *
 * Blanks at its end are left out, as models write a word with the blank before it. What the tokenizer would not give back
 * as it was is left out, too: from there on, the model writes it again.
 *
 * @param prompt ids that it follows
 */
export function tokensOfAnswer(
  prompt: readonly number[],
  answer: string,
  codec: Pick<TextCodec, 'encode' | 'decode'>,
): TokensOfAnswer {
  const wanted = answer.replace(/[ \t]+$/, '')
  const encode = (text: string) => (text === '' ? [] : codec.encode(text, { whole: false }))
  let best: TokensOfAnswer = { answer: [], text: '' }
  // After the prompt's own end; after a line's, where that and the answer's beginning would be one token; or alone.
  for (const before of [codec.decode(prompt.slice(-mostBefore)), '\n', '']) {
    if (best.text === wanted) break
    const alone = encode(before)
    const together = encode(before + wanted)
    if (sharedLength(alone, together) < alone.length) continue
    const found = longestEqual(prompt, together.slice(alone.length), wanted, codec)
    if (found.text.length > best.text.length) best = found
  }
  return best
}

/** As many of these ids as have the text that is wanted. */
function longestEqual(
  prompt: readonly number[],
  ids: readonly number[],
  wanted: string,
  { decode }: Pick<TextCodec, 'decode'>,
): TokensOfAnswer {
  const stream = createTextStream(decode, prompt)
  let [text, best]: [string, TokensOfAnswer] = ['', { answer: [], text: '' }]
  for (const [index, id] of ids.entries()) {
    text += stream.push(id)
    if (!wanted.startsWith(text)) break
    if (stream.isWhole) best = { answer: ids.slice(0, index + 1), text }
  }
  return best
}
