import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findModelName } from './find-model-name.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const refusal = (message: RegExp) =>
  expect.objectContaining({ name: 'ValidationError', code: 'options-invalid', message: expect.stringMatching(message) })

describe('findModelName', () => {
  it.each([
    ['{"model":"a"}', 'a'],
    [' { "messages" : [{"model":"b"}, "model"], "model" : "a" } \n', 'a'],
    ['{"x":"model","model":"\\u00e4\\"b"}', 'ä"b'],
    ['{"mod\\u0065l":"a"}', 'a'],
    ['{"x":{"model":"b","y":[{}]},"model":"a"}', 'a'],
  ])('finds it in %s', (text, model) => {
    expect(findModelName(bytes(text))).toBe(model)
  })

  it('finds what a parser finds, wherever it stands', () => {
    const rest = fc.dictionary(
      fc.string().filter((key) => key.toLowerCase() !== 'model'),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(rest, rest, fc.string({ minLength: 1, maxLength: 50 }), (before, after, model) => {
        const text = JSON.stringify({ ...before, model, ...after })
        expect(findModelName(bytes(text))).toBe(model)
      }),
    )
  })

  it.each([
    ['nothing', '', /name a model/],
    ['half an object', '{"model":"a"', /name a model/],
    ['a list', '["model"]', /name a model/],
    ['no name', '{"x":1}', /name a model/],
    ['a name that is no text', '{"model":1}', /name a model/],
    ['an empty name', '{"model":""}', /name a model/],
    ['a name of 1001 characters', `{"model":"${'a'.repeat(1001)}"}`, /name a model/],
    ['two names', '{"model":"a","model":"b"}', /more than once/],
    ['two spellings, of which servers may read either', '{"model":"a","Model":"b"}', /name a model/],
    ['something behind it', '{"model":"a"}{"model":"b"}', /follows/],
    ['deep JSON', `{"model":"a","x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, /100 levels/],
  ])('refuses %s', (_, text, message) => {
    expect(() => findModelName(bytes(text))).toThrow(refusal(message))
  })
})
