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
    ['calls what is not there', '{{ nowhere() }}'],
    ['breaks out of no loop', '{% break %}'],
    ['is nested too deeply', `{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`],
    ['is too long', `{# ${'x'.repeat(1_000_000)} #}`],
    ['is white space, which is read in the square of its time', ' '.repeat(400_000)],
  ])('one that %s is a typed error', (_, source) => {
    expect(() => render(source)).toThrow(expect.objectContaining({ name: 'ModelError', code: 'template-failed' }))
  })

  const doubled = (value: string, grown: string, show: string) =>
    `{% set ns = namespace(x=${value}) %}{% for i in range(100) %}{% set ns.x = ${grown} %}{% endfor %}${show}`
  const large = doubled("'x,'", 'ns.x + ns.x if ns.x | length < 1000000 else ns.x', '')
  test.each([
    ['a long range', '{% for i in range(1000000000) %}{{ i }}{% endfor %}'],
    ['a range of parts', '{% for i in range(0, 1, 0.000000001) %}{% endfor %}'],
    ['a range without a step', '{% for i in range(0, 1, 0) %}{% endfor %}'],
    [
      'loops in loops that write nothing',
      '{% set r = range(100000) %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}',
    ],
    [
      'loops in loops over what a condition leaves out',
      '{% for i in range(9999) %}{% for j in range(9999) if false %}{% endfor %}{% endfor %}',
    ],
    ['a search in a list, again and again', '{% set r = range(100000) %}{% for i in r %}{{ i in r }}{% endfor %}'],
    ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}'],
    [
      'a macro that calls itself twice',
      '{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}',
    ],
    [
      'macros that call each other',
      '{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}',
    ],
    [
      'a caller that calls itself',
      '{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}{% call f() %}{{ caller() }}{% endcall %}{% endcall %}{{ f() }}',
    ],
    ['a text that doubles', doubled("'x'", 'ns.x + ns.x', '{{ ns.x }}')],
    ['a text that doubles and is not written', doubled("'x'", 'ns.x ~ ns.x', '')],
    ['a list that doubles', doubled('[1]', 'ns.x + ns.x', '')],
    ['a list of itself twice', doubled('[1]', '[ns.x, ns.x]', '{{ ns.x }}')],
    ['a list of itself twice, as JSON', doubled('[1]', '[ns.x, ns.x]', '{{ ns.x | tojson }}')],
    ['an object of itself twice, as a text', doubled("{'a': 1}", "{'a': ns.x, 'b': ns.x}", "{{ 'x' ~ ns.x }}")],
    ['namespaces of each other', doubled('namespace(a=1)', 'namespace(a=ns.x, b=ns.x)', '{{ ns.x }}')],
    ['a namespace of itself', '{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}'],
    ['each character replaced by a long text', `${large}{{ ns.x | replace('x', ns.x) }}`],
    ['each place filled with a long text', `${large}{{ ns.x.replace('', ns.x) }}`],
    ['a method by its name', `${large}{{ ns.x['replace']('x', ns.x) }}`],
    ['arguments that are spread', `${large}{% set a = ['x', ns.x] %}{{ ns.x.replace(*a) }}`],
    ['a block that is filtered', `${large}{% filter replace('x', ns.x) %}{{ ns.x }}{% endfilter %}`],
    ['items joined by a long text', `${large}{{ range(100000) | join(ns.x) }}`],
    ['characters joined by a long text', `${large}{{ ns.x | join(ns.x) }}`],
    ['a deep indent', "{{ 'a\nb' | indent(400000000) }}"],
    ['a deep indent by name', "{{ 'a\nb' | indent(width=400000000) }}"],
    ['JSON with a deep indent', '{{ [1, 2] | tojson(indent=400000000) }}'],
    ['JSON with long separators', `${large}{{ range(100000) | tojson(separators=(ns.x, ns.x)) }}`],
    ['a text in pieces', `${large}{{ ns.x.split('x') | length }}`],
    [
      'a text in pieces, again and again',
      "{% for i in range(100000) %}{% set x = ('a b c ' ~ i).split() %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
    ],
    [
      'variables that are not there',
      '{% for i in range(100000) %}{{ a }}{{ b }}{{ c }}{% for j in range(1000) %}{{ d }}{% endfor %}{% endfor %}',
    ],
  ])('one that runs away is ended: %s', (_, source) => {
    expect(() => render(source)).toThrow(expect.objectContaining({ name: 'ModelError', code: 'template-failed' }))
  })

  test('a reason for refusing them is told as far as it is a text, and not without an end', () => {
    const source = "{% set ns = namespace(x='why ') %}{% for i in range(20) %}{% set ns.x = ns.x + ns.x %}{% endfor %}"
    const refused = (reason: string) =>
      expect.objectContaining({ code: 'messages-refused', message: expect.stringMatching(reason) })
    expect(() => render(`${source}{{ raise_exception(ns.x) }}`)).toThrow(refused('^.{1000,1060}$'))
    expect(() => render("{{ raise_exception(['no', 'text']) }}")).toThrow(refused('it gives no reason$'))
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

describe('messages that no template takes', () => {
  const thrown = (messages: readonly ChatMessage[], code: string) =>
    expect(() => render(chatml, messages)).toThrow(expect.objectContaining({ name: 'ValidationError', code }))
  test('none at all', () => thrown([], 'text-empty'))
  test('ten megabytes: no context is so long', () => thrown([user('x'.repeat(10_000_000))], 'context-full'))
  test('arguments of calls that are no JSON', () => {
    const call = (given: unknown): ChatMessage => ({
      role: 'assistant',
      content: '',
      toolCalls: [{ name: 'f', arguments: given as Record<string, unknown> }],
    })
    const circle: Record<string, unknown> = {}
    circle.itself = circle
    for (const given of [circle, { a: 1n }, { a: Symbol('a') }]) thrown([call(given)], 'messages-refused')
  })
})

test('half of a surrogate pair is written as it is given', () => {
  expect(render('{{ messages[0].content }}', [user('a\ud83d')])).toBe('a\ud83d')
})

test('a long conversation with tools is far within the bounds of a template', () => {
  const messages: ChatMessage[] = Array.from({ length: 1_000 }, (_, index) =>
    index % 2 === 0 ? user(`Question ${index}. `.repeat(50)) : { role: 'assistant', content: 'No. '.repeat(50) },
  )
  const source = `{%- set ns = namespace(last=0) %}{%- for m in messages %}{%- if m.role == 'user' and not (m.content.startswith('<tool_response>') and m.content.endswith('</tool_response>')) %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}
{%- for message in messages %}{%- set content = message.content.split('</think>')[-1].lstrip('\\n') | trim %}{{- '<|im_start|>' + message.role + '\\n' + content | replace('No', 'Yes') + (loop.index0 ~ '/' ~ messages | length) + '<|im_end|>' }}{%- if loop.last or (not loop.last and messages[loop.index0 + 1].role != message.role) %}{{- ns.last }}{%- endif %}{%- endfor %}`
  const text = render(source, messages)
  expect(text.match(/<\|im_start\|>/g)).toHaveLength(1_000)
  expect(text).toContain('Yes. Yes.')
  expect(text).toContain('999/1000<|im_end|>998')
})

describe('how a conversation ends', () => {
  const source =
    '{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}'
  const messages = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: ' hel hel ' },
  ] as const
  const end = (ending: 'reply' | 'closed' | 'open', from = source) =>
    openChatTemplate(from, {}).render({ messages, ending })

  test('before an answer, after its last message, or within that, its last blank included', () => {
    expect(end('reply')).toBe('<user>hi</><assistant>hel hel</><assistant>')
    expect(end('closed')).toBe('<user>hi</><assistant>hel hel</>')
    expect(end('open')).toBe('<user>hi</><assistant>hel hel ')
  })

  test('within a message that its template leaves out it can not end', () => {
    expect(() => end('open', '{{ messages[0].content }}')).toThrow(
      expect.objectContaining({ code: 'messages-refused' }),
    )
  })
})
