import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { chatMessageSchema, toolSchema } from './chat.ts'

const isMessage = (message: unknown) => v.is(chatMessageSchema, message)

test.each([
  ['a person’s', { role: 'user', content: 'Hi' }],
  ['an empty one', { role: 'user', content: '' }],
  ['the system’s', { role: 'system', content: 'Be kind.' }],
  ['an answer with calls', { role: 'assistant', content: '', toolCalls: [{ name: 'add', arguments: { a: 1 } }] }],
  ['what a call gave', { role: 'tool', content: '2', name: 'add', callId: 'c1' }],
])('%s is a message', (_, message) => expect(isMessage(message)).toBe(true))

describe('what is no message', () => {
  test.each([
    ['an unknown role', { role: 'narrator', content: 'Once' }],
    ['a role in capitals', { role: 'User', content: 'Hi' }],
    ['a role that objects have', { role: 'constructor', content: 'Hi' }],
    ['no role', { content: 'Hi' }],
    ['no content', { role: 'user' }],
    ['content in parts', { role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    ['arguments that are a text', { role: 'assistant', content: '', toolCalls: [{ name: 'f', arguments: '{}' }] }],
    ['a call without a name', { role: 'assistant', content: '', toolCalls: [{ name: '', arguments: {} }] }],
    ['a text', 'Hi'],
    ['nothing', null],
  ])('%s', (_, message) => expect(isMessage(message)).toBe(false))
})

test('a tool has a name', () => {
  expect(v.is(toolSchema, { name: 'add', parameters: { type: 'object' } })).toBe(true)
  expect(v.is(toolSchema, { name: '' })).toBe(false)
  expect(v.is(toolSchema, { name: 'x'.repeat(201) })).toBe(false)
})
