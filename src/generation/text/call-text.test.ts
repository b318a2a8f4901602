import { describe, expect, it } from 'vitest'
import { createCallText } from './call-text.ts'

const shown = (pieces: readonly string[], isCall: boolean) => {
  const calls = createCallText()
  const parts = pieces.map((piece) => calls.push(piece))
  return { parts, end: calls.end(isCall) }
}

describe('createCallText', () => {
  it.each([
    ['text', ['The cat', ' < the dog'], ['The cat', ' < the dog'], ''],
    ['what may become a call, and does not', ['a <too', 'th'], ['a ', '<tooth'], ''],
    ['a call after text', ['So: <tool', '_call>{"name"', ':1}</tool_call>'], ['So: ', '', ''], ''],
    ['a call in plain JSON', [' {"na', 'me":1}'], ['', ''], ''],
    ['an answer that begins with a blank', [' ', 'cat {'], ['', ' cat {'], ''],
  ])('shows of %s what is no call', (_, pieces, parts, end) => {
    expect(shown(pieces, true)).toEqual({ parts, end })
  })

  it('takes braces behind text that was shown before for text', () => {
    const calls = createCallText({ shown: 4 })
    expect([calls.push('{"a"'), calls.push(' <too'), calls.held]).toEqual(['{"a"', ' ', '<too'])
  })

  it('shows at the end what was no call', () => {
    expect(shown(['{"a"', ': 1}'], false)).toEqual({ parts: ['', ''], end: '{"a": 1}' })
  })
})
