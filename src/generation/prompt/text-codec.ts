import { Tokenizer } from '@huggingface/tokenizers'
import { ModelError } from '../../errors/model-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { wellFormed } from '../../utils/well-formed.ts'
import { findAddedIds, findTokenIds } from './find-token-ids.ts'

/** A language model's tokens and texts. */
export interface TextCodec {
  /**
   * A text as the model's tokens.
   *
   * @param options.whole with the marks that the tokenizer puts around a whole text. A conversation has its own
   * @throws {ValidationError} `text-empty`; `context-full`, with the numbers: it can't fit, whatever its tokens;
   *   `options-invalid`: it is too long in one piece to be split
   * @throws {ModelError} `tokenizer-unfit`: the tokenizer gives what is no token of the model
   */
  encode(text: string, options: { readonly whole: boolean }): readonly number[]
  /**
   * The last tokens of a text of any length, without reading what is long before them.
   *
   * @param options.most as many as there are, where the text has fewer; then they are those of `encode`
   * @throws as `encode`, but for `context-full`
   */
  encodeEnd(text: string, options: { readonly whole: boolean; readonly most: number }): readonly number[]
  /** Tokens as text, without the special ones and those that the tokenizer has no text for. */
  decode(ids: readonly number[]): string
  /** The number of a token by its text. */
  token(text: string): number | undefined
  /** The tokens whose text begins with this token's, itself included; marks are never among them. */
  longer(id: number): readonly number[]
}

/** UTF-16 units of a text that one token may stand for: a text longer than the context times this can't fit. */
export const unitsPerToken = 64
/** Of the end of a text, to begin with: more than most texts have. */
const usualUnitsPerToken = 8
/** How tokenizers name the tokens of single bytes, which stand for no such text. */
const byteName = /^<0x[0-9A-F]{2}>$/i
/** Tokens at the place where a text was cut, which may be others than the whole text's. */
const seamTokens = 8

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
  const { vocabulary, contextTokens } = limits
  const unfit = (why: string, cause?: unknown) =>
    new ModelError('tokenizer-unfit', `The model's tokenizer does not fit it: ${why}.`, { cause })
  const marks = new Set(findAddedIds(files.tokenizer))
  const isToken = (id: number) => Number.isSafeInteger(id) && id >= 0 && id < vocabulary
  // Looked at before the tokenizer is made, which would make a table as long as the highest number.
  const other = findTokenIds(files.tokenizer).find((id) => !isToken(id))
  if (other !== undefined) throw unfit(`it has a token ${other}, and the model ${vocabulary} in all`)
  const tokenizer = (() => {
    try {
      return new Tokenizer(files.tokenizer as object, (files.config ?? {}) as object)
    } catch (cause) {
      throw unfit(`it can't be read (${String(cause)})`, cause)
    }
  })()

  /** By number, as the tokenizer writes them; undefined for those that stand for no text. Made when first needed. */
  let names: (string | undefined)[] | undefined

  const split = (text: string, whole: boolean): readonly number[] => {
    const ids = (() => {
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
    })()
    if (!ids.every(isToken)) throw unfit('it gives what is no token of the model')
    // Some drop what they have no token for.
    if (ids.length === 0) throw new ValidationError('text-empty', 'There is no text to go on with.')
    return ids
  }

  return {
    encode(given, { whole }) {
      const text = wellFormed(given)
      if (text.length > contextTokens * unitsPerToken) {
        throw new ValidationError(
          'context-full',
          `The text has ${text.length} characters, and the model can look back on ${contextTokens} tokens.`,
          { context: { characters: text.length, contextTokens } },
        )
      }
      return split(text, whole)
    },
    encodeEnd(given, { whole, most }) {
      for (let units = (most + seamTokens) * usualUnitsPerToken; units < given.length; units *= 4) {
        // Cut within a pair, its half is one of the characters at the seam.
        const ids = split(wellFormed(given.slice(-units)), false)
        if (ids.length >= most + seamTokens) return ids.slice(-most)
      }
      return split(wellFormed(given), whole).slice(-most)
    },
    decode(ids) {
      const known = ids.filter((id) => tokenizer.id_to_token(id) !== undefined)
      if (known.length === 0) return ''
      return tokenizer.decode(known, { skip_special_tokens: true, clean_up_tokenization_spaces: false })
    },
    token: (text) => tokenizer.token_to_id(text),
    longer(id) {
      const isText = (name: string | undefined): name is string =>
        name !== undefined && name !== '' && !byteName.test(name)
      const own = tokenizer.id_to_token(id)
      if (!isText(own) || marks.has(id)) return [id]
      names ??= Array.from({ length: vocabulary }, (_, each) => {
        const name = marks.has(each) ? undefined : tokenizer.id_to_token(each)
        return isText(name) ? name : undefined
      })
      return names.flatMap((name, each) => (name?.startsWith(own) === true ? [each] : []))
    },
  }
}
