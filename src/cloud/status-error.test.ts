import { describe, expect, it } from 'vitest'
import { readReason, readRetryAfter, toStatusError } from './status-error.ts'

const utf8 = new TextEncoder()

describe('toStatusError', () => {
  it.each([
    [400, 'cloud-refused'],
    [400, 'cloud-model-missing', "Request for unknown model: 'm' is not found"],
    [401, 'cloud-unauthorized'],
    [403, 'cloud-unauthorized'],
    [404, 'cloud-model-missing'],
    [413, 'cloud-too-large'],
    [418, 'cloud-refused'],
    [422, 'cloud-refused'],
    [429, 'cloud-overloaded'],
    [500, 'cloud-failed'],
    [501, 'cloud-failed'],
    [503, 'cloud-overloaded'],
    [504, 'cloud-failed'],
    [204, 'cloud-bad-response'],
    [302, 'cloud-bad-response'],
  ])('reads %i as %s', (status, code, reason = 'the reason') => {
    const body = utf8.encode(JSON.stringify({ error: reason }))
    const error = toStatusError(new Response(null, { status }), body, 0)
    expect(error).toMatchObject({ name: 'CloudError', code, context: { status, reason } })
  })

  it('knows when to come back', () => {
    const response = new Response(null, { status: 503, headers: { 'Retry-After': '2' } })
    expect(toStatusError(response, new Uint8Array(), 0).context).toEqual({ status: 503, retryAfterMs: 2000 })
  })
})

describe('readReason', () => {
  it.each([
    ['the protocol', { error: 'no such input' }, 'no such input'],
    ['FastAPI', { detail: 'Not here' }, 'Not here'],
    [
      "FastAPI's validation",
      { detail: [{ loc: ['body'], msg: 'field required', type: 'x' }, { msg: 'too long' }] },
      'field required; too long',
    ],
    ['OpenAI', { error: { message: 'no quota', type: 'x', code: '429' } }, 'no quota'],
    ['a long one', { error: 'x'.repeat(1000) }, `${'x'.repeat(299)}…`],
    ['something else', { message: 'x' }, ''],
    ['a number', { error: 5 }, ''],
    ['null', null, ''],
    ['a list', ['x'], ''],
  ])('of %s', (_, json, expected) => {
    expect(readReason(utf8.encode(JSON.stringify(json)))).toBe(expected)
  })

  it('is empty for a web page', () => {
    expect(readReason(utf8.encode('<html>502</html>'))).toBe('')
  })
})

describe('readRetryAfter', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  it.each([
    [null, undefined],
    ['0', 0],
    [' 120 ', 120_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2015 00:00:30 GMT', 0],
    ['-5', undefined],
    ['1e9', undefined],
    ['99999999999', undefined],
    ['soon', undefined],
    ['', undefined],
  ])('of %j', (header, expected) => {
    expect(readRetryAfter(header, now)).toBe(expected)
  })
})
