import { expect, test } from 'vitest'
import { readToolCalls } from './tool-calls.ts'

test.each([
  ['as Hermes and Qwen write it', '<tool_call>\n{"name": "weather", "arguments": {"city": "Bern"}}\n</tool_call>'],
  ['after a thought', 'Let me look.\n<tool_call>{"name":"weather","arguments":{"city":"Bern"}}</tool_call>'],
  ['as Llama writes it', '<|python_tag|>{"name": "weather", "parameters": {"city": "Bern"}}'],
  ['as Mistral writes it', '[TOOL_CALLS] [{"name": "weather", "arguments": {"city": "Bern"}}]'],
])('a call is read %s', (_, answer) => {
  expect(readToolCalls(answer, ['weather'])).toEqual([{ name: 'weather', arguments: { city: 'Bern' } }])
})

test('several calls, and one without arguments', () => {
  const answer = '<tool_call>{"name":"a"}</tool_call>\n<tool_call>{"name":"b","arguments":{"x":[1]}}</tool_call>'
  expect(readToolCalls(answer, ['a', 'b'])).toEqual([
    { name: 'a', arguments: {} },
    { name: 'b', arguments: { x: [1] } },
  ])
})

test.each([
  ['text', 'The weather is fine.'],
  ['JSON that is no call', '{"city": "Bern"}'],
  ['half a call', '<tool_call>{"name":"weather"'],
  ['a function that was not given', '<tool_call>{"name":"rain"}</tool_call>'],
  ['nothing', ''],
])('%s is none', (_, answer) => {
  expect(readToolCalls(answer, ['weather'])).toEqual([])
})
