import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editBody } from './edit-body.ts'
import { readTextFields } from './text-fields.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const edited = (text: string, edit: Parameters<typeof editBody>[1]) =>
  new TextDecoder().decode(editBody(bytes(text), edit))

describe('a request with changes', () => {
  it('keeps all else byte by byte', () => {
    const body =
      '{ "seed": 12345678901234567890, "b":1.0 , "model" : "m","messages":[ {"role":"user","content":"a"} ], "x":[1, {"max_tokens":2}] }'
    expect(edited(body, { fields: { max_tokens: 7, b: undefined } })).toBe(
      '{"seed": 12345678901234567890,"model" : "m","messages":[ {"role":"user","content":"a"} ],"x":[1, {"max_tokens":2}],"max_tokens":7}',
    )
  })

  it('has a message more, or another last one', () => {
    const fields = { role: 'assistant', content: 'é "' }
    const body = '{"messages":[{"role":"user","content":"a"} ,{"role":"assistant","content":"b","name":"n"} ]}'
    expect(edited(body, { fields: {}, message: { isNew: true, fields } })).toBe(
      '{"messages":[{"role":"user","content":"a"} ,{"role":"assistant","content":"b","name":"n"},{"role":"assistant","content":"é \\""}]}',
    )
    expect(edited(body, { fields: {}, message: { isNew: false, fields } })).toBe(
      '{"messages":[{"role":"user","content":"a"} ,{"role":"assistant","content":"é \\"","name":"n"} ]}',
    )
  })

  it('is the JSON that it would be by parsing it', () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue())
    fc.assert(
      fc.property(
        object,
        object,
        fc.string(),
        fc.string(),
        fc.boolean(),
        (body, fields, prompt, promptTail, isSpaced) => {
          const asked = Object.fromEntries(Object.entries({ ...body, prompt }).filter(([name]) => name !== '__proto__'))
          const changes = Object.fromEntries(
            Object.entries(fields).filter(([name]) => name !== 'prompt' && name !== '__proto__'),
          )
          const text = JSON.stringify(asked, undefined, isSpaced ? 2 : 0)
          const whole = JSON.parse(JSON.stringify({ ...asked, ...changes, prompt: prompt + promptTail })) as unknown
          expect(JSON.parse(edited(text, { fields: changes, promptTail }))).toEqual(whole)
        },
      ),
    )
  })
})

describe('what a request says', () => {
  const read = (body: unknown) => readTextFields(bytes(JSON.stringify(body)))

  it('is read but for its messages and its prompt', () => {
    const { values, large, isPlain } = read({ model: 'm', messages: [1], stop: ['a'], tools: ['x'.repeat(20_000)] })
    expect({ values, large, isPlain }).toEqual({ values: { model: 'm', stop: ['a'] }, large: ['tools'], isPlain: true })
  })

  it('is not plain where a name is there twice', () => {
    expect(readTextFields(bytes('{"max_tokens":1,"max_tokens":2}')).isPlain).toBe(false)
    expect(readTextFields(bytes('{"max_tokens":1,"max\\u005ftokens":2}')).isPlain).toBe(false)
  })

  it.each([
    ['Once', 'text'],
    [[1, 2], 'ids'],
    [['Once'], 'other'],
    [[[1]], 'other'],
    [[], 'other'],
  ])('is of the prompt %j that it is %s', (prompt, kind) => {
    expect(read({ prompt }).prompt).toBe(kind)
  })

  it('is the text of the last message where that is to be gone on with', () => {
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'The "' },
    ]
    expect(read({ messages, continue_final_message: true }).begun).toBe('The "')
    expect(read({ messages })).not.toHaveProperty('begun')
    expect(read({ messages: messages.slice(0, 1), continue_final_message: true })).not.toHaveProperty('begun')
    expect(read({ prompt: [1, 2, 3], hither_answer_tokens: 2 }).ids).toEqual([1, 2, 3])
  })
})
