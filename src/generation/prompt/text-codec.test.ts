import { describe, expect, test } from 'vitest'
import { byteLevelTokenizer } from '../../testing/byte-level-tokenizer.ts'
import { hasStoriesModel, storiesModel } from '../../testing/stories-model.ts'
import { openTextCodec } from './text-codec.ts'

const model = byteLevelTokenizer()
const codec = openTextCodec(model, model)
const thrown = (name: string, code: string) => expect.objectContaining({ name, code })

test('a text becomes tokens, and they become the text', () => {
  const text = 'Once the 12 你好, said é 👍.'
  const ids = codec.encode(text, { whole: true })
  expect(ids.length).toBeLessThan(new TextEncoder().encode(text).length)
  expect(codec.decode(ids)).toBe(text)
  expect(codec.token('<|im_end|>')).toBe(model.tokens - 1)
  expect(codec.token('nothing')).toBeUndefined()
})

test('marks are tokens of their own, and no text', () => {
  const ids = codec.encode('<|im_start|>the', { whole: false })
  expect(ids[0]).toBe(codec.token('<|im_start|>'))
  expect(codec.decode(ids)).toBe('the')
})

describe('tokens that have no text', () => {
  test('none at all', () => expect(codec.decode([])).toBe(''))
  test('only marks', () => expect(codec.decode([model.tokens - 1, model.tokens - 2])).toBe(''))
  test('rows of the model that the tokenizer does not know', () => {
    expect(codec.decode([model.vocabulary - 1])).toBe('')
    expect(codec.decode([...codec.encode('the', { whole: false }), model.vocabulary - 1])).toBe('the')
  })
  test.runIf(hasStoriesModel)('rows that a SentencePiece tokenizer does not know', () => {
    const stories = storiesModel()
    const own = openTextCodec(stories, { ...stories, vocabulary: 600 })
    expect(own.decode([599])).toBe('')
  })
})

describe('texts that are refused', () => {
  test('an empty one', () => {
    expect(() => codec.encode('', { whole: true })).toThrow(thrown('ValidationError', 'text-empty'))
  })
  test('ten megabytes, with the numbers', () => {
    expect(() => codec.encode('x'.repeat(10_000_000), { whole: true })).toThrow(
      expect.objectContaining({
        name: 'ValidationError',
        code: 'context-full',
        context: { characters: 10_000_000, contextTokens: 1024 },
      }),
    )
  })
  test('one of which the tokenizer drops all', () => {
    const { h: _, ...vocab } = model.tokenizer.model.vocab
    const without = openTextCodec(
      { ...model, tokenizer: { ...model.tokenizer, model: { ...model.tokenizer.model, vocab, merges: [] } } },
      model,
    )
    expect(() => without.encode('hh', { whole: false })).toThrow(thrown('ValidationError', 'text-empty'))
  })
})

test('blanks alone are a text, and halves of surrogate pairs are U+FFFD', () => {
  expect(codec.decode(codec.encode(' \n', { whole: true }))).toBe(' \n')
  expect(codec.decode(codec.encode('a\ud83db\udc4d', { whole: true }))).toBe('a\ufffdb\ufffd')
})

test.each([
  ['one letter', 'a'],
  ['blanks', ' '],
  ['line ends', '\n'],
  ['digits', '1'],
  ['emoji', '👨‍👩‍👧'],
  ['marks', '<|im_end|>'],
  ['words', 'the a '],
])('a text as long as the context allows is split: %s', (_, unit) => {
  const limit = 64 * model.contextTokens
  const text = unit.repeat(limit / unit.length)
  expect(codec.encode(text, { whole: true }).length).toBeGreaterThan(0)
})

describe('tokenizers that do not fit', () => {
  const refused = (tokenizer: unknown, config: unknown = {}, vocabulary = model.vocabulary) =>
    expect(() => openTextCodec({ tokenizer, config }, { vocabulary, contextTokens: 100 })).toThrow(
      thrown('ModelError', 'tokenizer-unfit'),
    )
  const { tokenizer } = model
  const { vocab } = tokenizer.model

  test.each([
    ['none', undefined],
    ['null', null],
    ['a text', 'tokenizer'],
    ['a list', []],
    ['an empty object', {}],
    ['the settings instead', model.config],
    ['no vocabulary', { ...tokenizer, model: { ...tokenizer.model, vocab: undefined } }],
    ['an unknown decoder', { ...tokenizer, decoder: { type: 'Nothing' } }],
    ['no list of added tokens', { ...tokenizer, added_tokens: null }],
  ])('%s', (_, given) => refused(given))

  test('settings that are no object', () => refused(tokenizer, 'settings'))
  test('another model’s: it has more tokens', () => refused(tokenizer, {}, model.tokens - 1))
  test('a token of its own with a number that the model does not have', () => {
    refused({ ...tokenizer, added_tokens: [{ ...tokenizer.added_tokens[0], id: 5_000 }] })
  })
  test.each([4e9, -1, 0.5, Number.NaN])('a token with the number %d', (id) => {
    refused({ ...tokenizer, model: { ...tokenizer.model, vocab: { ...vocab, x: id } } })
  })
  test('a mark around texts that is no token', () => {
    const post_processor = {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<nothing>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [],
      special_tokens: {},
    }
    const own = openTextCodec({ tokenizer: { ...tokenizer, post_processor }, config: {} }, model)
    expect(() => own.encode('the', { whole: true })).toThrow(thrown('ModelError', 'tokenizer-unfit'))
  })
})
