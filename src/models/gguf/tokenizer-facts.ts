import { type GgufFile, type GgufValue, unreadableGguf, unsupportedGguf } from './read-gguf.ts'

/** `llama_token_type`. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

/** What a GGUF file says of its tokenizer. */
export interface TokenizerFacts {
  /** Joins bytes by a list of merges, or pieces of text by their scores. */
  readonly model: 'gpt2' | 'llama'
  /** The kind of parting texts before; of `gpt2` only. */
  readonly pre: string
  readonly tokens: readonly string[]
  /** As many as tokens. */
  readonly types: readonly number[]
  readonly scores: readonly number[]
  readonly merges: readonly string[]
  readonly bos: number | undefined
  readonly eos: number | undefined
  readonly unknown: number | undefined
  readonly padding: number | undefined
  /** Others that end an answer: of a turn, of a message. */
  readonly ends: readonly number[]
  /** A whole text begins or ends with a mark; undefined where the file does not say. */
  readonly addsBos: boolean | undefined
  readonly addsEos: boolean | undefined
  readonly addsSpace: boolean | undefined
  readonly chatTemplate: string | undefined
}

const prefix = 'tokenizer.ggml.'
/** Longer ones are no token that anybody made. */
const mostUnits = 4096

/**
 * Reads what a GGUF file says of its tokenizer.
 *
 * @param vocabulary rows of the model's table of tokens
 * @throws {ModelError} `gguf-unsupported`: a kind of tokenizer that is not known; `gguf-unreadable`
 */
export function readTokenizerFacts({ metadata }: GgufFile, vocabulary: number): TokenizerFacts {
  const get = (key: string) => metadata.get(`${prefix}${key}`)
  const wrong = (key: string) => unreadableGguf(`its "${prefix}${key}" makes no sense`)
  const model = get('model')
  if (model === undefined) throw unsupportedGguf('it has no tokenizer')
  if (model !== 'gpt2' && model !== 'llama') {
    throw unsupportedGguf(`its tokenizer is of the kind "${String(model).slice(0, 50)}"; gpt2 and llama are converted`)
  }
  const list = <T extends GgufValue>(key: string, isItem: (item: GgufValue) => item is T): readonly T[] | undefined => {
    const value = get(key)
    if (value === undefined) return undefined
    if (!Array.isArray(value) || !value.every(isItem)) throw wrong(key)
    return value
  }
  const isText = (item: GgufValue) => typeof item === 'string'
  const isNumber = (item: GgufValue) => typeof item === 'number'
  const tokens = list('tokens', isText) ?? []
  if (tokens.length === 0) throw unreadableGguf('its tokenizer has no tokens')
  if (tokens.length > vocabulary) {
    throw unreadableGguf(`its tokenizer has ${tokens.length} tokens, and its model ${vocabulary}`)
  }
  if (tokens.some(({ length }) => length > mostUnits)) throw unreadableGguf('a token of it has no end')
  const types = list('token_type', isNumber) ?? tokens.map(() => tokenTypes.normal)
  const scores = list('scores', isNumber) ?? []
  if (types.length !== tokens.length) throw wrong('token_type')
  if (model === 'llama' && scores.length !== tokens.length) throw wrong('scores')
  const merges = list('merges', isText) ?? []
  if (model === 'gpt2' && merges.length === 0) throw unreadableGguf('its tokenizer has no merges')

  const id = (key: string): number | undefined => {
    const value = get(`${key}_token_id`)
    // Some files have −1 or 2^32 − 1 for none.
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < tokens.length
      ? value
      : undefined
  }
  const flag = (key: string): boolean | undefined => {
    const value = get(key)
    if (value === undefined || typeof value === 'boolean') return value
    throw wrong(key)
  }
  const pre = get('pre') ?? 'default'
  if (typeof pre !== 'string') throw wrong('pre')
  const template = metadata.get('tokenizer.chat_template')
  return {
    model,
    pre,
    tokens,
    types,
    scores,
    merges,
    bos: id('bos'),
    eos: id('eos'),
    unknown: id('unknown'),
    padding: id('padding'),
    ends: ['eot', 'eom'].map(id).filter((end) => end !== undefined),
    addsBos: flag('add_bos_token'),
    addsEos: flag('add_eos_token'),
    addsSpace: flag('add_space_prefix'),
    chatTemplate: typeof template === 'string' && template !== '' ? template : undefined,
  }
}

/** Texts that end a turn in the one or the other model, where a file names only one end or the wrong one. */
const endTexts: ReadonlySet<string> = new Set([
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '<|end_of_text|>',
  '<|eom_id|>',
  '<EOT>',
])

/** The tokens that end an answer. */
export function endsOf({ eos, ends, tokens, types }: TokenizerFacts): number[] {
  const byText = tokens.flatMap((text, id) => (endTexts.has(text) && types[id] === tokenTypes.control ? [id] : []))
  return [...new Set([...(eos === undefined ? [] : [eos]), ...ends, ...byText])]
}
