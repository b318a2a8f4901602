import { describe, expect, it } from 'vitest'
import { parseChatRequest } from './chat-request.ts'
import { parseCompletionRequest } from './completion-request.ts'

const messages = [{ role: 'user', content: 'hi' }]

describe('parseChatRequest', () => {
  it('reads every field', () => {
    const request = parseChatRequest({
      model: 'm',
      messages: [
        { role: 'developer', content: 'Be kind.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'h' },
            { type: 'text', text: 'i' },
          ],
          name: 'ann',
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"town":"Bonn"}' } }],
        },
        { role: 'tool', content: 'rain', tool_call_id: 'c1' },
      ],
      tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 1,
      max_completion_tokens: 7,
      temperature: 0.5,
      top_p: 0.9,
      top_k: -1,
      min_p: 0.1,
      repetition_penalty: 1.1,
      presence_penalty: 0.2,
      frequency_penalty: 0.3,
      seed: -3,
      stop: 'END',
      logprobs: true,
      top_logprobs: 2,
      n: 1,
      response_format: { type: 'text' },
      user: 'ann',
      hither_resumable: true,
    })
    expect(request).toEqual({
      kind: 'chat',
      model: 'm',
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'weather', arguments: { town: 'Bonn' } }] },
        { role: 'tool', content: 'rain', callId: 'c1' },
      ],
      tools: [{ name: 'weather', parameters: { type: 'object' } }],
      parallelCalls: true,
      ending: 'reply',
      stream: true,
      includeUsage: true,
      maxTokens: 7,
      temperature: 0.5,
      topP: 0.9,
      topK: 0,
      minP: 0.1,
      repetitionPenalty: 1.1,
      presencePenalty: 0.2,
      frequencyPenalty: 0.3,
      seed: -3,
      stops: ['END'],
      logprobs: 2,
      returnTokenIds: false,
      answerTokens: 0,
      resumable: true,
    })
  })

  it('takes null for what is left out, as Python clients write it', () => {
    const nulls = { stop: null, seed: null, tools: null, n: null, stream: null, logprobs: null, logit_bias: null }
    expect(parseChatRequest({ model: 'm', messages, ...nulls })).toEqual(parseChatRequest({ model: 'm', messages }))
  })

  it('leaves tools out that are not to be used', () => {
    const tools = [{ type: 'function', function: { name: 'weather' } }]
    expect(parseChatRequest({ model: 'm', messages, tools, tool_choice: 'none' }).tools).toEqual([])
  })

  it.each([
    ['tools of another type', { tools: [{ type: 'custom' }] }, 'tools.0.type'],
    [
      'too many tools',
      { tools: [{ type: 'function', function: { name: 'a', description: 'x'.repeat(3e5) } }] },
      'tools',
    ],
    ['arguments that are no object', { messages: [callOf('[1]')] }, 'messages.0.tool_calls.0.function.arguments'],
    ['arguments that are no JSON', { messages: [callOf('{')] }, 'messages.0.tool_calls.0.function.arguments'],
    ['likeliest tokens without probabilities', { top_logprobs: 2 }, 'top_logprobs'],
    ['an empty stop string', { stop: [''] }, 'stop'],
    ['answer tokens of a new answer', { hither_answer_tokens: 2 }, 'hither_answer_tokens'],
    ['a bias', { logit_bias: { 5: 1 } }, 'logit_bias'],
  ])('refuses %s', (_, fields, param) => {
    expect(() => parseChatRequest({ model: 'm', messages, ...fields })).toThrow(
      expect.objectContaining({ code: 'options-invalid', context: { param } }),
    )
  })
})

function callOf(given: string) {
  return { role: 'assistant', tool_calls: [{ function: { name: 'a', arguments: given } }] }
}

describe('parseCompletionRequest', () => {
  it.each([
    ['a text', 'hi', 'hi'],
    ['a list of one', ['hi'], 'hi'],
    ['ids', [1, 2], [1, 2]],
    ['a list of one of ids', [[1, 2]], [1, 2]],
  ])('takes %s', (_, prompt, expected) => {
    expect(parseCompletionRequest({ model: 'm', prompt })).toMatchObject({ prompt: expected, maxTokens: 16 })
  })

  it.each([
    ['two texts', { prompt: ['a', 'b'] }, 'prompt'],
    ['no ids', { prompt: [] }, 'prompt'],
    ['an id below 0', { prompt: [-1] }, 'prompt'],
    ['answer tokens of a text', { prompt: 'a', hither_answer_tokens: 1 }, 'hither_answer_tokens'],
    ['nothing but answer', { prompt: [1, 2], hither_answer_tokens: 2 }, 'hither_answer_tokens'],
    ['an echo', { prompt: 'a', echo: true }, 'echo'],
    ['a suffix', { prompt: 'a', suffix: 'b' }, 'suffix'],
  ])('refuses %s', (_, fields, param) => {
    expect(() => parseCompletionRequest({ model: 'm', ...fields })).toThrow(
      expect.objectContaining({ code: 'options-invalid', context: { param } }),
    )
  })
})
