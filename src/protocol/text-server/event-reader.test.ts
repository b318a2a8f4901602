import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEventReader } from './event-reader.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('events', () => {
  it('are read wherever their bytes are cut, characters among them', () => {
    const text =
      'data: {"a":"größer 🦊"}\n\n: a comment\r\n\r\nid: 3\r\nevent: x\r\ndata: one\r\ndata: two\r\n\r\ndata: [DONE]\n\n'
    const whole = createEventReader().push(bytes(text))
    expect(whole.map(({ data }) => data)).toEqual(['{"a":"größer 🦊"}', 'one\ntwo', '[DONE]'])
    expect(whole[1]).toMatchObject({ id: '3', event: 'x' })
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (lengths) => {
        const all = bytes(text)
        const reader = createEventReader()
        const events = []
        for (let at = 0, turn = 0; at < all.length; turn += 1) {
          const length = lengths[turn % lengths.length] ?? 1
          events.push(...reader.push(all.subarray(at, at + length)))
          at += length
        }
        expect(events).toEqual(whole)
      }),
    )
  })

  it('that never end are given up', () => {
    const reader = createEventReader(100)
    expect(reader.push(bytes(`data: ${'x'.repeat(50)}`))).toEqual([])
    expect(() => reader.push(bytes('x'.repeat(60)))).toThrow(/longer/)
  })

  it('that were cut are none', () => {
    expect(createEventReader().push(bytes('data: {"a":1}\n'))).toEqual([])
  })

  it('of the old form for errors are errors', () => {
    expect(createEventReader().push(bytes('error: {"code":500}\n\n'))).toEqual([
      { event: 'error', data: '{"code":500}' },
    ])
  })
})
