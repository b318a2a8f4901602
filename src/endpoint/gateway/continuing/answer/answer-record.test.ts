import { describe, expect, it } from 'vitest'
import { readTextFields } from '../../../codec/text-fields.ts'
import { createAnswerRecord } from './answer-record.ts'
import { readTextRequest } from './text-request.ts'

const chunk = { text: '', reasoning: '', toolCalls: [] }

function record(more = {}) {
  const body = { model: 'm', messages: [{ role: 'user', content: 'a' }], ...more }
  const request = readTextRequest('chat/completions', readTextFields(new TextEncoder().encode(JSON.stringify(body))))
  if (request === undefined) throw new Error('it can not be gone on with')
  return createAnswerRecord(request)
}
const shows = (text: string, ids?: readonly number[]) => ({ text, held: '', tokens: 1, ids })

describe('an answer that was given on', () => {
  it('can be gone on with inside of its text, before and after thoughts, and not inside of them', () => {
    const answer = record()
    expect([answer.canGoOn, answer.isEmpty]).toEqual([true, true])
    answer.passed({ ...chunk, reasoning: 'hm' })
    expect([answer.canGoOn, answer.isEmpty]).toEqual([false, false])
    answer.shows(shows('The'))
    expect(answer.canGoOn).toBe(true)
  })

  it.each([
    ['<think>hm', false],
    ['<think>hm</think>The', true],
    ['a <tool_call>{"name"', false],
    ['a <tool_call>{}</tool_call>', true],
    ['a <b', true],
  ])('of %j can be gone on with: %j', (text, can) => {
    const answer = record()
    answer.shows(shows(text))
    expect(answer.canGoOn).toBe(can)
  })

  it('can not be gone on with inside of a call, and behind its end', () => {
    const calling = record({ tools: [{}] })
    calling.passed({ ...chunk, toolCalls: [{ index: 0, name: 'f', arguments: '{' }] })
    expect(calling.canGoOn).toBe(false)
    const ended = record()
    ended.passed({ ...chunk, finish: 'stop' })
    expect([ended.canGoOn, ended.isEnded]).toEqual([false, true])
  })

  it('is forgotten once it is longer than anybody remembers', () => {
    const answer = record()
    for (let count = 0; count < 11; count += 1) answer.shows(shows('x'.repeat(100_000)))
    expect([answer.canGoOn, answer.shown, answer.tokens]).toEqual([false, '', 11])
  })

  it('knows its ids up to the last whole character, while all are told', () => {
    const answer = record()
    answer.hasPrompt({ ids: [1, 2] })
    answer.shows(shows('a', [5]))
    answer.shows(shows('bc', [6, 7]))
    answer.shows(shows('', [8]))
    expect(answer.ids).toEqual({ prompt: [1, 2], answer: [5, 6, 7, 8], whole: 1, wholeText: 1 })
    answer.begins('ids')
    expect(answer.ids).toBeDefined()
    answer.shows(shows('d'))
    expect([answer.ids, answer.shown, answer.promptTokens]).toEqual([undefined, 'abcd', 2])
  })
})
