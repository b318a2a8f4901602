import { describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../contracts/chat.ts'
import { openChatTemplate } from './chat-template.ts'

/** As many models write conversations down (ChatML). */
const chatml =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
const user = (content: string): ChatMessage => ({ role: 'user', content })
const render = (source: string, messages: readonly ChatMessage[] = [user('Hi')]) =>
  openChatTemplate(source, { bos: '<s>', eos: '</s>' }).render({ messages })

test('a conversation is written as the template says, up to where the answer begins', () => {
  expect(
    render(chatml, [
      { role: 'system', content: 'Be kind.' },
      user('Hi'),
      { role: 'assistant', content: 'Hello' },
      user('Bye'),
    ]),
  ).toBe(
    '<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n',
  )
})

test('it has the marks of beginning and end, the date, and the names of Python', () => {
  expect(render('{{ bos_token }}{{ eos_token }}{{ True and not None }}')).toBe('<s></s>true')
  expect(render("{{ strftime_now('%Y') }}")).toMatch(/^\d{4}$/)
  expect(render("{{ strftime_now('%d %b %Y, %H:%M %q %%') }}")).toMatch(/^\d\d \w{3} \d{4}, \d\d:\d\d %q %$/)
})

test('tools and their calls have the names that templates know', () => {
  const template = openChatTemplate(
    '{{ tools | tojson }}{% for m in messages %}{{ m.tool_calls | tojson if m.tool_calls else m.tool_call_id }}{% endfor %}',
    {},
  )
  const text = template.render({
    messages: [
      { role: 'assistant', content: '', toolCalls: [{ name: 'add', arguments: { a: 1 } }] },
      { role: 'tool', content: '2', callId: 'c1' },
    ],
    tools: [{ name: 'add', description: 'adds', parameters: { type: 'object' } }],
  })
  expect(text).toContain('"function": {"name": "add", "description": "adds", "parameters": {"type": "object"}}')
  expect(text).toContain('"arguments": {"a": 1}')
  expect(text).toMatch(/c1$/)
})

describe('templates that do not work', () => {
  test.each([
    ['is none', '{% for %}'],
    ['throws', '{{ messages | nothing }}'],
    ['counts for ever', '{% for i in range(1000000000) %}{{ i }}{% endfor %}'],
    ['calls what is not there', '{{ nowhere() }}'],
  ])('one that %s is a typed error', (_, source) => {
    expect(() => render(source)).toThrow(expect.objectContaining({ name: 'ModelError', code: 'template-failed' }))
  })

  test('one that refuses the messages says so in its own words', () => {
    const source =
      "{% if messages[0].role != 'system' %}{{ raise_exception('A system message comes first.') }}{% endif %}"
    expect(() => render(source)).toThrow(
      expect.objectContaining({
        name: 'ValidationError',
        code: 'messages-refused',
        message: 'The model does not take such messages: A system message comes first.',
      }),
    )
  })
})
