import type { Tokenizer } from '@huggingface/tokenizers'
import type { TokensPreprocessing } from '../../contracts/preprocessing.ts'
import type { TensorMap, TensorSpec } from '../../contracts/tensor.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'
import { unitsPerToken } from '../../generation/prompt/units-per-token.ts'

/** Tokens of one text: as text, or as the tokenizer's numbers for it. */
export type TextOrTokens = string | readonly number[]

/** Turns a text into a model's inputs. */
export interface TextTokenizer {
  /** @throws {ValidationError} `text-empty`, or `options-invalid` for a text that is too long or numbers that are no tokens */
  toInputs(text: TextOrTokens): { readonly inputs: TensorMap; readonly tokens: number }
}

/**
 * Reads a model's tokenizer.
 *
 * @param texts the files that its preprocessing names
 * @throws {CloudError} `cloud-failed`: they are no tokenizer
 */
export async function openTextTokenizer(
  preprocessing: TokensPreprocessing,
  specs: readonly TensorSpec[],
  texts: ReadonlyMap<string, string>,
): Promise<TextTokenizer> {
  const { maxTokens } = preprocessing
  const tokenizer = await readTokenizer(preprocessing, texts)
  const size = tokenizer.get_vocab(true).size
  const tooLong = (what: string) =>
    new ValidationError('options-invalid', `The text has ${what}, and the model takes at most ${maxTokens} tokens.`)

  const encode = (text: TextOrTokens) => {
    if (typeof text !== 'string') {
      if (text.some((token) => token >= size)) {
        throw new ValidationError('options-invalid', `The tokens of this model are numbers below ${size}.`)
      }
      return { ids: text, kinds: text.map(() => 0) }
    }
    if (text.length > maxTokens * unitsPerToken) throw tooLong(`${text.length} characters`)
    try {
      const { ids, token_type_ids: kinds } = tokenizer.encode(text, { return_token_type_ids: true })
      return { ids, kinds }
    } catch (cause) {
      // Some tokenizers call themselves for each piece of a text: a long one without a blank overflows their stack.
      throw new ValidationError(
        'options-invalid',
        `A text of ${text.length} characters can't be split into tokens; send it in parts.`,
        { cause },
      )
    }
  }

  return {
    toInputs(text) {
      if (text.length === 0) throw new ValidationError('text-empty', 'A text to embed is empty.')
      const { ids, kinds } = encode(text)
      if (ids.length > maxTokens) throw tooLong(`${ids.length} tokens`)
      if (ids.length === 0) throw new ValidationError('text-empty', 'A text to embed has no tokens.')
      const values: Record<string, readonly number[]> = {
        input_ids: ids,
        attention_mask: ids.map(() => 1),
        token_type_ids: kinds,
      }
      const inputs = specs.map(({ name, type }) => {
        const numbers = values[name]
        if (numbers === undefined || (type !== 'int64' && type !== 'int32')) throw unreadable()
        const data = type === 'int64' ? BigInt64Array.from(numbers, BigInt) : Int32Array.from(numbers)
        return [name, { type, dims: [1, numbers.length], data }] as const
      })
      return { inputs: Object.fromEntries(inputs), tokens: ids.length }
    },
  }
}

async function readTokenizer(
  { tokenizer, tokenizerConfig }: TokensPreprocessing,
  texts: ReadonlyMap<string, string>,
): Promise<Tokenizer> {
  const { Tokenizer } = await import('@huggingface/tokenizers')
  try {
    const config = tokenizerConfig === undefined ? {} : JSON.parse(texts.get(tokenizerConfig) ?? '')
    return new Tokenizer(JSON.parse(texts.get(tokenizer) ?? ''), config)
  } catch (cause) {
    throw unreadable(cause)
  }
}

const unreadable = (cause?: unknown) =>
  new CloudError('cloud-failed', "The model's tokenizer does not fit it, or can't be read.", { cause })
