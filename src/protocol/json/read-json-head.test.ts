import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJsonHead } from './read-json-head.ts'

const utf8 = new TextEncoder()
const bytes = (text: string, tail: readonly number[] = []) => new Uint8Array([...utf8.encode(text), ...tail])

describe('readJsonHead', () => {
  it.each([
    ['{}', 2],
    [' \n{"a":1}', 9],
    ['{"a":"}"}', 9],
    ['{"a":"\\"}"}', 11],
    ['{"a":"\\\\"}', 10],
    ['{"a":[{"b":"]"}]}', 17],
    ['{"ü":"…"}', 12],
  ])('finds the end of %s', (text, endBytes) => {
    expect(readJsonHead(bytes(text, [0x20, 0x7d, 0x22, 0xff])).endBytes).toBe(endBytes)
  })

  it('finds the end of any JSON object, whatever follows it', () => {
    const anything = fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.uint8Array())
    fc.assert(
      fc.property(anything, ([value, tail]) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'))
        const text = bytes(JSON.stringify(value))
        const head = readJsonHead(new Uint8Array([...text, ...tail]))
        expect(head.endBytes).toBe(text.length)
        expect(JSON.stringify(head.json)).toBe(JSON.stringify(value))
      }),
    )
  })

  it('never throws anything but a ValidationError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.option(fc.integer(), { nil: undefined }), (noise, headBytes) => {
        try {
          readJsonHead(new Uint8Array([0x7b, ...noise]), headBytes)
        } catch (error) {
          expect(error).toHaveProperty('name', 'ValidationError')
        }
      }),
    )
  })

  it('takes the length that the header names, padding included', () => {
    expect(readJsonHead(bytes('{"a":1}  ', [1, 2]), 9)).toEqual({ json: { a: 1 }, endBytes: 9 })
  })

  it.each([
    ['nothing', '', undefined],
    ['an array', '[]', undefined],
    ['HTML', '<!doctype html>', undefined],
    ['half an object', '{"a":{"b":1}', undefined],
    ['an unclosed string', '{"a":"}', undefined],
    ['no JSON between braces', '{a}', undefined],
    ['a trailing comma', '{"a":1,}', undefined],
    ['NaN', '{"a":NaN}', undefined],
    ['a __proto__ key', '{"a":[{"__proto__":{"x":1}}]}', undefined],
    ['an escaped __proto__ key', '{"\\u005f_proto__":1}', undefined],
    ['a header longer than the body', '{}', 3],
    ['a header shorter than the JSON', '{"a":1}', 6],
    ['a header beyond the JSON', '{"a":1}xx', 8],
    ['a header of 0', '{}', 0],
    ['a negative header', '{}', -1],
    ['a header that is no whole number', '{}', 1.5],
    ['a header of NaN', '{}', Number.NaN],
    ['a header of 2^63', '{}', 2 ** 63],
  ])('refuses %s', (_, text, headBytes) => {
    expect(() => readJsonHead(bytes(text), headBytes)).toThrow(expect.objectContaining({ code: 'options-invalid' }))
  })

  it('refuses text that is not UTF-8', () => {
    expect(() => readJsonHead(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow('not valid JSON')
  })

  it('takes a nesting of 100 and refuses one of 101, however deep', () => {
    const nested = (depth: number) => bytes(`{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`)
    expect(readJsonHead(nested(100)).endBytes).toBe(nested(100).length)
    expect(() => readJsonHead(nested(101))).toThrow('more than 100 levels')
    expect(() => readJsonHead(nested(2_000_000))).toThrow('more than 100 levels')
  })
})
