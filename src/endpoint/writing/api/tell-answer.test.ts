import { describe, expect, it } from 'vitest'
import { createChatForm } from '../../../protocol/openai/chat-form.ts'
import { parseChatRequest } from '../../../protocol/openai/chat-request.ts'
import { tellEvents, tellWhole } from './tell-answer.ts'

const tools = ['weather', 'time'].map((name) => ({ type: 'function', function: { name } }))
const requestOf = (more: object = {}) =>
  parseChatRequest({ model: 'm', messages: [{ role: 'user', content: 'hi' }], tools, ...more })
const form = () =>
  createChatForm({ id: 'c', created: 1, model: 'm', fingerprint: 'f', returnTokenIds: false, includeUsage: false })
const calls = [
  { name: 'weather', arguments: { town: 'Bonn' } },
  { name: 'time', arguments: {} },
]
const written = ['Let me see. ', '<tool_call>{"name": "wea', 'ther"}</tool_call>']
const wire = (name: string, given: object) => ({
  id: expect.stringMatching(/^call_[0-9a-f]{32}$/),
  type: 'function',
  function: { name, arguments: JSON.stringify(given) },
})

describe('an answer that asks for functions', () => {
  it('is streamed without the text of its calls, which come whole', () => {
    const telling = tellEvents(requestOf(), form())
    const events = [
      ...written.flatMap((text, id) => telling.event({ type: 'text', tokens: [id], text })),
      ...telling.end({ reason: 'tool-calls', toolCalls: calls }),
    ] as { choices: { delta: object; finish_reason: unknown }[] }[]
    expect(events.map(({ choices }) => choices[0]?.delta)).toEqual([
      { content: 'Let me see. ' },
      {
        tool_calls: [
          { index: 0, ...wire('weather', { town: 'Bonn' }) },
          { index: 1, ...wire('time', {}) },
        ],
      },
      {},
    ])
    expect(events.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls')
  })

  it('comes whole in the same form; one call where more are not wanted', () => {
    const telling = tellWhole(requestOf({ parallel_tool_calls: false }), form())
    for (const text of written.slice(1)) telling.event({ type: 'text', tokens: [1], text })
    const [whole] = telling.end({ reason: 'tool-calls', toolCalls: calls }) as { choices: object[] }[]
    expect(whole?.choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: null, refusal: null, tool_calls: [wire('weather', { town: 'Bonn' })] },
        logprobs: null,
        finish_reason: 'tool_calls',
      },
    ])
  })

  it('that only looked like one is sent as text', () => {
    const telling = tellEvents(requestOf(), form())
    const events = [
      ...telling.event({ type: 'text', tokens: [1], text: '{"a": 1}' }),
      ...telling.end({ reason: 'stop' }),
    ] as { choices: { delta: object }[] }[]
    expect(events.map(({ choices }) => choices[0]?.delta)).toEqual([{ content: '{"a": 1}' }, {}])
  })
})
