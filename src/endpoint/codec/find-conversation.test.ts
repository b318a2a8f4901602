import { describe, expect, it } from 'vitest'
import { findConversation } from './find-conversation.ts'

const keyOf = (value: unknown) => findConversation(new TextEncoder().encode(JSON.stringify(value)))
const system = { role: 'system', content: 'Be brief.' }
const user = { role: 'user', content: 'Tell of {a} "fox"' }
const more = [
  { role: 'assistant', content: 'A fox…' },
  { role: 'user', content: 'And then?' },
]

describe('what tells a conversation from others', () => {
  it('stays the same from turn to turn, wherever the messages stand in the body', () => {
    const first = keyOf({ model: 'm', messages: [system, user] })
    expect(first).not.toBe('')
    expect(keyOf({ messages: [system, user, ...more], tools: [{ a: [1, { messages: 2 }] }], model: 'm' })).toBe(first)
    expect(keyOf({ tools: [{ messages: [] }], x: 'messages', n: -1.5, b: true, messages: [system, user] })).toBe(first)
  })

  it('differs where the person says something else, or the system does', () => {
    const keys = [
      [system, user],
      [system, more[1]],
      [user],
      [{ ...system, content: 'x'.repeat(5_000) }, user],
      [{ ...system, content: 'x'.repeat(5_000) }, more[1]],
    ].map((messages) => keyOf({ messages }))
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('is a part of it, however long that is', () => {
    expect(keyOf({ messages: [{ role: 'user', content: 'x'.repeat(200_000) }] }).length).toBeLessThan(2_100)
    expect(keyOf({ prompt: 'x'.repeat(200_000) }).length).toBeLessThan(1_100)
  })

  it('is the beginning of a prompt, of a text or of ids', () => {
    expect(keyOf({ model: 'm', prompt: 'Once' })).toBe('"Once"')
    expect(keyOf({ prompt: [1, 2, 3], model: 'm' })).toBe('[1,2,3]')
  })

  it.each([[{}], [{ model: 'm' }], [{ input: ['a'] }], [{ messages: [] }]])('is nothing in %j', (body) => {
    expect(keyOf(body)).toBe('')
  })

  it.each(['{"messages":', '{"messages":[', '{"messages":[{', '{"messages"', '{', ''])(
    'is found in no haste in %j',
    (text) => {
      expect(findConversation(new TextEncoder().encode(text))).toBeTypeOf('string')
    },
  )
})
