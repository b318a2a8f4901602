import { Tokenizer } from '@huggingface/tokenizers'
import { describe, expect, test } from 'vitest'
import { hasStoriesModel, storiesModel } from '../../testing/stories-model.ts'
import { findPreTokenizer } from './pre-tokenizers.ts'
import { type TokenizerFacts, tokenTypes } from './tokenizer-facts.ts'
import { writeTokenizer } from './write-tokenizer.ts'

const { normal, unknown, control, userDefined, unused, byte } = tokenTypes
const open = (facts: TokenizerFacts) => {
  // As it is read from its file.
  const { tokenizer, config } = JSON.parse(JSON.stringify(writeTokenizer(facts)))
  return new Tokenizer(tokenizer, config)
}
const ids = (facts: TokenizerFacts, text: string) => open(facts).encode(text, { add_special_tokens: true }).ids

const plain: TokenizerFacts = {
  model: 'gpt2',
  pre: 'gpt-2',
  tokens: ['h', 'e', 'Ġ', 'he', 'Ġhe', '<|end|>', '<tool>', '[PAD]', 'Ċ'],
  types: [normal, normal, normal, normal, normal, control, userDefined, unused, normal],
  scores: [],
  merges: ['h e', 'Ġ he'],
  bos: 5,
  eos: 5,
  unknown: undefined,
  padding: undefined,
  ends: [],
  addsBos: undefined,
  addsEos: undefined,
  addsSpace: undefined,
  chatTemplate: undefined,
}

describe('a tokenizer of bytes', () => {
  test('joins them by its merges, and finds its own tokens first', () => {
    expect(ids(plain, 'he he<tool>\n<|end|>')).toEqual([3, 4, 6, 8, 5])
    expect(open(plain).decode([3, 4, 6, 8, 5], { skip_special_tokens: true })).toBe('he he<tool>\n')
  })

  test('puts marks around a whole text where the file says so', () => {
    expect(ids({ ...plain, addsBos: true }, 'he')).toEqual([5, 3])
    expect(ids({ ...plain, addsBos: true, addsEos: true }, 'he')).toEqual([5, 3, 5])
    expect(ids({ ...plain, pre: 'llama-bpe' }, 'he')).toEqual([5, 3])
    expect(ids({ ...plain, pre: 'llama-bpe', addsBos: false }, 'he')).toEqual([3])
    expect(ids({ ...plain, addsBos: true, bos: undefined }, 'he')).toEqual([3])
  })

  test('keeps a whole part that is a token where its kind ignores merges', () => {
    const whole: TokenizerFacts = {
      ...plain,
      tokens: ['h', 'e', 'eh'],
      types: [1, 1, 1],
      merges: ['h e'],
      bos: undefined,
      eos: undefined,
    }
    expect(ids(whole, 'eh')).toEqual([1, 0])
    expect(ids({ ...whole, pre: 'tekken' }, 'eh')).toEqual([2])
  })

  test('composes letters and marks where its kind does', () => {
    const composed: TokenizerFacts = {
      ...plain,
      tokens: ['Ã', '©', 'Ã©'],
      types: [1, 1, 1],
      merges: ['Ã ©'],
      bos: undefined,
      eos: undefined,
    }
    expect(ids({ ...composed, pre: 'qwen2' }, 'e\u0301')).toEqual([2])
  })

  test.each([
    ['a kind that nobody knows', { pre: 'brand-new' }, 'gguf-unsupported', /"brand-new"/],
    ['a merge of one', { merges: ['he'] }, 'gguf-unreadable', /"he"/],
    ['a token twice', { tokens: ['h', 'h'], types: [1, 1] }, 'gguf-unreadable', /twice/],
  ])('%s is refused', (_, wrong, code, message) => {
    expect(() => writeTokenizer({ ...plain, ...wrong })).toThrow(
      expect.objectContaining({ name: 'ModelError', code, message: expect.stringMatching(message) }),
    )
  })
})

describe('ways of parting a text', () => {
  /** The parts, as bytes' letters. */
  const parts = (pre: string, text: string) => {
    const tokenizer = open({ ...plain, pre })
    return (tokenizer.pre_tokenizer?.(text) ?? []).map((part: string) =>
      part.replaceAll('Ġ', ' ').replaceAll('Ċ', '\n'),
    )
  }

  test.each([
    ['gpt-2', "I don't  like 2024!", ['I', ' don', "'t", ' ', ' like', ' 2024', '!']],
    ['smollm', "I don't  like 2024!", ['I', ' don', "'t", ' ', ' like', ' ', '2', '0', '2', '4', '!']],
    ['qwen2', "I DON'T\n\nlike 24!", ['I', ' DON', "'T", '\n\n', 'like', ' ', '2', '4', '!']],
    ['llama-bpe', 'a 12345.6\n b', ['a', ' ', '123', '45', '.', '6', '\n', ' b']],
    ['tekken', 'camelCase 12/\nXMLFile', ['camel', 'Case', ' ', '1', '2', '/\n', 'XMLFile']],
    ['default', 'a+b 12345', ['a', '+', 'b', ' ', '123', '45']],
  ])('%s', (pre, text, expected) => {
    expect(parts(pre, text)).toEqual(expected)
  })

  test('one that is not known is refused by its name', () => {
    expect(() => findPreTokenizer('mystery')).toThrow(expect.objectContaining({ code: 'gguf-unsupported' }))
  })
})

describe('a tokenizer of scores', () => {
  const scored: TokenizerFacts = {
    ...plain,
    model: 'llama',
    pre: 'default',
    tokens: ['<unk>', '<s>', '</s>', '<0x0A>', '<0xC3>', '<0xA9>', '▁', 'h', 'e', 'he', '▁h', '▁he'],
    types: [unknown, control, control, byte, byte, byte, ...Array<number>(6).fill(normal)],
    scores: [0, 0, 0, 0, 0, 0, -6, -4, -5, -2, -1, -3],
    merges: [],
    bos: 1,
    eos: 2,
    unknown: 0,
  }

  test('joins what has the best score first, and writes in bytes what has no piece', () => {
    // "▁h" is joined before "he".
    expect(ids(scored, 'he')).toEqual([1, 11])
    expect(ids({ ...scored, tokens: scored.tokens.map((text) => (text === '▁he' ? 'x' : text)) }, 'he')).toEqual([
      1, 10, 8,
    ])
    expect(ids(scored, 'é\n')).toEqual([1, 6, 4, 5, 3])
    expect(open(scored).decode([1, 11, 6, 4, 5, 3], { skip_special_tokens: true })).toBe('he é\n')
  })

  test('adds no blank and no mark where the file says so', () => {
    expect(ids({ ...scored, addsSpace: false, addsBos: false }, 'he')).toEqual([9])
  })

  test.runIf(hasStoriesModel)('gives the ids of the hub’s own file of the same model', () => {
    const { tokenizer, config } = storiesModel() as {
      tokenizer: { model: { vocab: Record<string, number>; merges: (string | [string, string])[] } }
      config: object
    }
    const { vocab, merges } = tokenizer.model
    const tokens = Object.keys(vocab).sort((a, b) => (vocab[a] ?? 0) - (vocab[b] ?? 0))
    const joined = merges.map((merge) => (typeof merge === 'string' ? merge.replace(' ', '') : merge.join('')))
    const typeOf = (text: string) => {
      if (text === '<unk>') return unknown
      if (text === '<s>' || text === '</s>') return control
      return /^<0x[0-9A-F]{2}>$/.test(text) ? byte : normal
    }
    const facts: TokenizerFacts = {
      ...scored,
      tokens,
      types: tokens.map(typeOf),
      // As SentencePiece counts: what is joined first has the best score.
      scores: tokens.map((text) => (joined.includes(text) ? -joined.indexOf(text) : -1e9)),
    }
    const hub = new Tokenizer(tokenizer, config)
    for (const text of [
      'Once upon a time, there was a little girl named Lily.',
      'She  said: "123 !"\n\nThe end',
      'Ünïcode 你好 😀 \t x',
      ' begins with a blank',
    ]) {
      expect(ids(facts, text)).toEqual(hub.encode(text, { add_special_tokens: true }).ids)
    }
  })
})
