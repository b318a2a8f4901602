import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../contracts/chat.ts'
import { byteLevelTokenizer } from '../../testing/byte-level-tokenizer.ts'
import { openChatTemplate } from '../prompt/chat-template.ts'
import { openTextCodec } from '../prompt/text-codec.ts'
import { readPrompt } from './read-prompt.ts'
import type { WriteRequest } from './write-request.ts'

const files = byteLevelTokenizer()
const contextTokens = 100
const codec = openTextCodec(files, { ...files, contextTokens })
const template = openChatTemplate(
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}",
  {},
)
const read = (prompt: WriteRequest['prompt'], whenFull: WriteRequest['whenFull'], maxTokens = 20) =>
  readPrompt({ prompt, maxTokens, whenFull }, { codec, template: () => template, contextTokens })
const idsOf = (messages: readonly ChatMessage[]) => codec.encode(template.render({ messages }), { whole: false })
const user = (content: string): ChatMessage => ({ role: 'user', content })
const full = expect.objectContaining({ name: 'ValidationError', code: 'context-full', context: expect.any(Object) })

describe('a text', () => {
  test('that is too long loses its beginning, and keeps what comes before the answer', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 600 }), (given) => {
        const text = given.replaceAll('<|', '')
        if (text === '') return
        const whole = openTextCodec(files, { ...files, contextTokens: 1e6 }).encode(text, { whole: true })
        const { ids } = read({ text }, 'drop-oldest')
        if (whole.length < contextTokens) expect(ids).toEqual(whole)
        else expect(ids).toEqual(whole.slice(-80))
      }),
      { numRuns: 500 },
    )
  })

  test('of ten megabytes is refused with the numbers, or all but its end is dropped', () => {
    const text = `${'x'.repeat(10_000_000)} the end`
    expect(() => read({ text }, 'refuse')).toThrow(full)
    const { ids } = read({ text }, 'drop-oldest')
    expect(ids).toHaveLength(80)
    expect(codec.decode(ids)).toMatch(/^x+ the end$/)
  })
})

describe('a conversation', () => {
  const message = fc.oneof(
    fc.record({ role: fc.constant('user' as const), content: fc.string({ maxLength: 30 }) }),
    fc.record({ role: fc.constant('assistant' as const), content: fc.string({ maxLength: 30 }) }),
    fc.record({ role: fc.constant('tool' as const), content: fc.string({ maxLength: 10 }) }),
    fc.record({ role: fc.constant('system' as const), content: fc.string({ maxLength: 10 }) }),
  )

  /** Turn by turn, until it fits. */
  function expectedOf(messages: readonly ChatMessage[]): readonly ChatMessage[] | undefined {
    for (let left = messages; ; ) {
      const { length } = idsOf(left)
      if (length <= (left === messages ? contextTokens - 1 : contextTokens - 20)) return left
      const from = left.findIndex(({ role }) => role !== 'system')
      if (from < 0 || from >= left.length - 1) return length < contextTokens ? left : undefined
      const next = left.findIndex(({ role }, index) => index > from && role === 'user')
      left = [...left.slice(0, from), ...left.slice(next < 0 ? left.length - 1 : next)]
    }
  }

  test('that is too long loses as few of its oldest turns as it must', () => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 14 }), (messages) => {
        const expected = expectedOf(messages)
        if (expected === undefined) expect(() => read({ messages }, 'drop-oldest')).toThrow(full)
        else {
          const droppedMessages = messages.length - expected.length
          expect(read({ messages }, 'drop-oldest')).toMatchObject({ ids: idsOf(expected), droppedMessages })
        }
      }),
      { numRuns: 100 },
    )
  })

  test('of ten thousand turns and ten megabytes is shortened, too', () => {
    const messages = Array.from(
      { length: 20_000 },
      (_, index): ChatMessage =>
        index % 2 === 0
          ? user(`Question ${index}. ${'x'.repeat(500)}`)
          : { role: 'assistant', content: 'y'.repeat(500) },
    )
    const all = [...messages, user('And now?')]
    expect(() => read({ messages: all }, 'refuse')).toThrow(full)
    expect(read({ messages: all }, 'drop-oldest')).toMatchObject({
      ids: idsOf([user('And now?')]),
      droppedMessages: 20_000,
    })
  })

  test('whose newest message alone is too long is refused', () => {
    expect(() => read({ messages: [user('Hi'), user('x'.repeat(200))] }, 'drop-oldest')).toThrow(full)
    expect(() => read({ messages: [user('Hi'), user('x'.repeat(9_000_000))] }, 'drop-oldest')).toThrow(full)
  })
})

test.each(['refuse', 'drop-oldest'] as const)('nothing is no prompt: %s', (whenFull) => {
  const empty = expect.objectContaining({ name: 'ValidationError', code: 'text-empty' })
  expect(() => read({ text: '' }, whenFull)).toThrow(empty)
  expect(() => read({ ids: [] }, whenFull)).toThrow(empty)
  expect(() => read({ messages: [] }, whenFull)).toThrow(empty)
})
