import { findPreTokenizer, type PreTokenizer } from './pre-tokenizers.ts'
import { unreadableGguf } from './read-gguf.ts'
import { scoreMerges } from './score-merges.ts'
import { type TokenizerFacts, tokenTypes } from './tokenizer-facts.ts'

/** The hub's files of a tokenizer, as values that become JSON. */
export interface TokenizerFiles {
  /** `tokenizer.json` */
  readonly tokenizer: object
  /** `tokenizer_config.json` */
  readonly config: object
}

/** Tokens that are found in a text as they stand, before anything else. */
const addedTokens = ({ tokens, types, unknown, bos, eos }: TokenizerFacts) =>
  tokens.flatMap((content, id) => {
    const type = types[id]
    const isMark =
      type === tokenTypes.control || type === tokenTypes.unknown || id === unknown || id === bos || id === eos
    if (!isMark && type !== tokenTypes.userDefined) return []
    if (content === '') return []
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: isMark }]
  })

/** Texts of tokens and their numbers. Some files fill the table up with tokens that no text has. */
function vocabularyOf({ tokens, types }: TokenizerFacts): Map<string, number> {
  const vocabulary = new Map<string, number>()
  tokens.forEach((text, id) => {
    if (types[id] === tokenTypes.unused || text === '') return
    if (vocabulary.has(text)) throw unreadableGguf(`its tokenizer has the token "${text.slice(0, 50)}" twice`)
    vocabulary.set(text, id)
  })
  return vocabulary
}

/** A property called `__proto__` would set an object's prototype. */
const toObject = (vocabulary: ReadonlyMap<string, number>): object => Object.fromEntries(vocabulary)

/** Puts the marks of beginning and end around a whole text. */
function postProcessor(facts: TokenizerFacts, addsBos: boolean) {
  const bos = addsBos ? facts.bos : undefined
  const eos = facts.addsEos === true ? facts.eos : undefined
  const marks = [bos, eos].filter((id) => id !== undefined)
  if (marks.length === 0) return null
  const text = (id: number) => facts.tokens[id] ?? ''
  const mark = (id: number | undefined) => (id === undefined ? [] : [{ SpecialToken: { id: text(id), type_id: 0 } }])
  const around = (sequence: 'A' | 'B') => [...mark(bos), { Sequence: { id: sequence, type_id: 0 } }, ...mark(eos)]
  return {
    type: 'TemplateProcessing',
    single: around('A'),
    pair: [...around('A'), ...around('B')],
    special_tokens: Object.fromEntries(marks.map((id) => [text(id), { id: text(id), ids: [id], tokens: [text(id)] }])),
  }
}

const split = (pattern: string) => ({ type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false })

/** One of bytes, each of which is written as a letter. */
function byteLevel(facts: TokenizerFacts, { patterns, composes = false, ignoresMerges = false }: PreTokenizer) {
  const merges = facts.merges.map((merge) => {
    // The first letter may be a blank itself: never in a byte-level one, where a blank is written as a letter, too.
    const at = merge.indexOf(' ', 1)
    if (at < 0) throw unreadableGguf(`its tokenizer has the merge "${merge.slice(0, 50)}", which is none of two`)
    return [merge.slice(0, at), merge.slice(at + 1)]
  })
  const level = { type: 'ByteLevel', add_prefix_space: facts.addsSpace === true, trim_offsets: true, use_regex: false }
  return {
    normalizer: composes ? { type: 'NFC' } : null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [...patterns.map(split), level] },
    decoder: { ...level, add_prefix_space: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: ignoresMerges,
      vocab: toObject(vocabularyOf(facts)),
      merges,
    },
  }
}

/** One of pieces of text (SentencePiece), where a blank is `▁`, and what has no piece is written in bytes. */
function byScores(facts: TokenizerFacts) {
  const { tokens, types, scores, unknown, addsSpace = true } = facts
  const vocabulary = vocabularyOf(facts)
  const pieces = [...vocabulary].flatMap(([text, id]) =>
    types[id] === tokenTypes.normal ? [{ text, id, score: scores[id] ?? 0 }] : [],
  )
  const space = '▁'
  const strips = addsSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []
  return {
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...(addsSpace ? [{ type: 'Prepend', prepend: space }] : []),
        { type: 'Replace', pattern: { String: ' ' }, content: space },
      ],
    },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: space }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...strips,
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unknown === undefined ? null : tokens[unknown],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: types.includes(tokenTypes.byte),
      ignore_merges: false,
      vocab: toObject(vocabulary),
      merges: scoreMerges(pieces),
    },
  }
}

/**
 * A GGUF file's tokenizer as the hub's files, which give the same ids.
 *
 * @throws {ModelError} `gguf-unsupported`, `gguf-unreadable`
 */
export function writeTokenizer(facts: TokenizerFacts): TokenizerFiles {
  const pre = facts.model === 'gpt2' ? findPreTokenizer(facts.pre) : undefined
  const addsBos = (facts.addsBos ?? pre?.addsBos ?? facts.model === 'llama') && facts.bos !== undefined
  const parts = pre === undefined ? byScores(facts) : byteLevel(facts, pre)
  const text = (id: number | undefined) => (id === undefined ? null : (facts.tokens[id] ?? null))
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens(facts),
      normalizer: parts.normalizer,
      pre_tokenizer: parts.pre_tokenizer,
      post_processor: postProcessor(facts, addsBos),
      decoder: parts.decoder,
      model: parts.model,
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      add_bos_token: addsBos,
      add_eos_token: facts.addsEos === true,
      bos_token: text(facts.bos),
      eos_token: text(facts.eos),
      unk_token: text(facts.unknown),
      pad_token: text(facts.padding),
      clean_up_tokenization_spaces: false,
    },
  }
}
