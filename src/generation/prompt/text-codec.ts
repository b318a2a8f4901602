import { Tokenizer } from '@huggingface/tokenizers'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { wellFormed } from '../../utils/well-formed.ts'

/** A language model's tokens and texts. */
export interface TextCodec {
  /**
   * A text as the model's tokens.
   *
   * @param options.whole with the marks that the tokenizer puts around a whole text. A conversation has its own
   * @throws {ValidationError} `text-empty`; `context-full`, with the numbers: it can't fit, whatever its tokens
   */
  encode(text: string, options: { readonly whole: boolean }): readonly number[]
  /** Tokens as text, without the special ones. */
  decode(ids: readonly number[]): string
  /** The number of a token by its text. */
  token(text: string): number | undefined
}

/** UTF-16 units of a text that one token may stand for: a text longer than the context times this can't fit. */
const unitsPerToken = 64

/**
 * Reads a model's tokenizer.
 *
 * @param files `tokenizer.json` and `tokenizer_config.json` of the hub, parsed
 * @param limits.vocabulary of the model: a tokenizer with more tokens is another model's
 * @throws {ModelError} `tokenizer-unfit`: it is none, or another model's
 */
export function openTextCodec(
  files: { readonly tokenizer: unknown; readonly config: unknown },
  limits: { readonly vocabulary: number; readonly contextTokens: number },
): TextCodec {
  const unfit = (why: string, cause?: unknown) =>
    new ModelError('tokenizer-unfit', `The model's tokenizer does not fit it: ${why}.`, { cause })
  const tokenizer = (() => {
    try {
      return new Tokenizer(files.tokenizer as object, (files.config ?? {}) as object)
    } catch (cause) {
      throw unfit(`it can't be read (${String(cause)})`, cause)
    }
  })()
  const highest = [...tokenizer.get_vocab(true).values()].reduce((most, id) => Math.max(most, id), -1)
  if (highest >= limits.vocabulary) {
    throw unfit(`it has tokens up to ${highest}, and the model ${limits.vocabulary} in all`)
  }

  return {
    encode(given, { whole }) {
      const text = wellFormed(given)
      if (text === '') throw new ValidationError('text-empty', 'There is no text to go on with.')
      const { contextTokens } = limits
      if (text.length > contextTokens * unitsPerToken) {
        throw new ValidationError(
          'context-full',
          `The text has ${text.length} characters, and the model can look back on ${contextTokens} tokens.`,
          { context: { characters: text.length, contextTokens } },
        )
      }
      try {
        return tokenizer.encode(text, { add_special_tokens: whole }).ids
      } catch (cause) {
        // Some tokenizers call themselves for each piece of a text: a long one without a blank overflows their stack.
        throw new ValidationError(
          'options-invalid',
          `A text of ${text.length} characters can't be split into tokens; give it in parts.`,
          { cause },
        )
      }
    },
    decode: (ids) => tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: false }),
    token: (text) => tokenizer.token_to_id(text),
  }
}
