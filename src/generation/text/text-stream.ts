/** Token ids to text, of a whole sequence. */
export type Decode = (ids: readonly number[]) => string

/** A text that grows by tokens, and is never cut inside a character. */
export interface TextStream {
  /** @returns the text that is certain by now and was not given yet; often empty, sometimes several characters */
  push(id: number): string
  /** No more tokens come. @returns what was held back: the rest of a character that never became one */
  end(): string
  /** All tokens' text was given: none of them is the beginning of a character whose end is still to come. */
  readonly isWhole: boolean
}

/** Marks have no text: some of the tokens before have, unless all are marks. */
const mostBefore = 16

/** What decoders put in the place of bytes that are no character, or not yet. */
const replacement = '\ufffd'

/**
 * Decodes token by token. What a token adds to the text depends on the one before it (a first blank is dropped, a word
 * continued, a character finished), so it is decoded together with the tokens since the last place where the text was
 * whole and not empty. One trailing replacement character may be a character whose last bytes are still to come (UTF-8
 * decoders put one for each such beginning): it alone is held back.
 *
 * Together, the pieces are what these tokens add to `decode` of all tokens, those before them included.
 *
 * @param before tokens that they follow, whose text is whole: the end of a prompt
 */
export function createTextStream(decode: Decode, before: readonly number[] = []): TextStream {
  const beginning = before.slice(-mostBefore)
  const known = decode(beginning)
  /** The tokens that are decoded together, how much of their text was given, and those that are only there as its beginning. */
  let [window, given, context]: [number[], number, number] =
    known === '' ? [[], 0, 0] : [beginning, known.length, beginning.length]
  let isWhole = true

  return {
    push(id) {
      window.push(id)
      const text = decode(window)
      isWhole = !text.endsWith(replacement)
      const certain = isWhole ? text.length : text.length - replacement.length
      if (certain <= given) return ''
      const piece = text.slice(given, certain)
      given = certain
      if (isWhole) {
        // From here on these tokens are the beginning that the next ones are decoded after.
        window = window.slice(context)
        context = window.length
        given = decode(window).length
      }
      return piece
    },
    end() {
      const piece = decode(window).slice(given)
      window = []
      given = 0
      context = 0
      return piece
    },
    get isWhole() {
      return isWhole
    },
  }
}
