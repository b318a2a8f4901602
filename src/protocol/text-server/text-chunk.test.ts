import { describe, expect, it } from 'vitest'
import { parseTextChunk, parseTextEvent } from './text-chunk.ts'

const nothing = { text: '', reasoning: '', toolCalls: [] }

const read = [
  ['a chat', { choices: [{ delta: { content: 'a' }, finish_reason: null }] }, { text: 'a' }],
  ['a completion', { choices: [{ text: 'a', finish_reason: 'length' }] }, { text: 'a', finish: 'length' }],
  [
    'a whole answer',
    { choices: [{ message: { content: 'a' }, finish_reason: 'stop' }] },
    { text: 'a', finish: 'stop' },
  ],
  ['a first event of the role alone', { choices: [{ delta: { role: 'assistant', content: null } }] }, {}],
  ['the second of two answers', { choices: [{ index: 1, delta: { content: 'b' } }] }, {}],
  ['reasoning', { choices: [{ delta: { reasoning_content: 'hm' } }] }, { reasoning: 'hm' }],
  ['reasoning of Ollama', { choices: [{ delta: { reasoning: 'hm', content: '' } }] }, { reasoning: 'hm' }],
  [
    'reasoning of Mistral',
    {
      choices: [
        {
          delta: {
            content: [
              { type: 'thinking', thinking: [{ text: 'hm' }] },
              { type: 'text', text: 'a' },
            ],
          },
        },
      ],
    },
    { reasoning: 'hm', text: 'a' },
  ],
  [
    'ids of vLLM',
    { prompt_token_ids: [1, 2], choices: [{ delta: { content: 'a' }, token_ids: [3] }] },
    { text: 'a', ids: [3], promptIds: [1, 2] },
  ],
  [
    'ids of its completions',
    { choices: [{ text: 'a', token_ids: [3], prompt_token_ids: [1], stop_reason: 'END', finish_reason: 'stop' }] },
    { text: 'a', ids: [3], promptIds: [1], finish: 'stop', stopString: 'END' },
  ],
  [
    'usage',
    {
      choices: [],
      usage: { prompt_tokens: 9, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 8 } },
      system_fingerprint: 'b1',
    },
    { usage: { promptTokens: 9, cachedTokens: 8, answerTokens: 3, reasoningTokens: 0 }, fingerprint: 'b1' },
  ],
  [
    'times of llama.cpp',
    { choices: [{ delta: {}, finish_reason: 'stop' }], timings: { prompt_ms: 3.5, predicted_ms: 70, x: 1 } },
    { finish: 'stop', timings: { promptMs: 3.5, answerMs: 70 } },
  ],
  [
    'a piece of a call',
    { choices: [{ delta: { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{"a"' } }] } }] },
    { toolCalls: [{ index: 0, id: 'c', name: 'f', arguments: '{"a"' }] },
  ],
  [
    'a call whose arguments are an object',
    {
      choices: [
        { message: { tool_calls: [{ function: { name: 'f', arguments: { a: 1 } } }] }, finish_reason: 'tool_calls' },
      ],
    },
    { toolCalls: [{ index: 0, name: 'f', arguments: '{"a":1}' }], finish: 'tool-calls' },
  ],
] as const

describe('an event of a text', () => {
  it.each(read)('is read: %s', (_, json, chunk) => {
    expect(parseTextEvent({ data: JSON.stringify(json) })).toEqual({ ...nothing, ...chunk })
  })

  it('that says that it was the last is told from others', () => {
    expect(parseTextEvent({ data: ' [DONE]' })).toBe('done')
  })

  const refused = [
    ['no JSON', '<html>', { code: 'cloud-bad-response' }],
    ['JSON of something else', '{"weather":"fine"}', { code: 'cloud-bad-response' }],
    ['a list', '[]', { code: 'cloud-bad-response' }],
    ['a number', '3', { code: 'cloud-bad-response' }],
    ['text that is no text', '{"choices":[{"delta":{"content":5}}]}', { code: 'cloud-bad-response' }],
    ['ids that are none', '{"choices":[{"text":"a","token_ids":["x"]}]}', { code: 'cloud-bad-response' }],
    ['an aborted answer', '{"choices":[{"text":"","finish_reason":"abort"}]}', { context: { cutOff: true } }],
    ['a cut of a gateway', '{"error":{"message":"m","code":"cut_off"}}', { context: { cutOff: true } }],
    [
      'a failure',
      '{"error":{"message":"no memory","type":"server_error"}}',
      { code: 'cloud-failed', context: { reason: 'no memory' } },
    ],
    ['a failure in words', '{"error":"no memory"}', { code: 'cloud-failed' }],
    [
      'a refusal',
      '{"object":"error","message":"too long","code":400}',
      { code: 'cloud-refused', context: { status: 400, reason: 'too long' } },
    ],
    ['overload', '{"error":{"code":503,"message":"busy"}}', { code: 'cloud-overloaded' }],
  ] as const
  it.each(refused)('is refused: %s', (_, data, error) => {
    expect(() => parseTextEvent({ data })).toThrow(expect.objectContaining(error))
  })

  it('of the type "error" is one, whatever its form', () => {
    expect(() => parseTextEvent({ event: 'error', data: '{"code":500,"message":"m"}' })).toThrow(
      expect.objectContaining({ code: 'cloud-failed' }),
    )
  })

  it('never repeats what it could not read', () => {
    expect(() => parseTextChunk({ choices: 'a secret' })).toThrow(/^(?!.*secret).*no text of a model\.$/)
  })
})
