import { expect, it } from 'vitest'
import { systemTimers } from '../../../utils/with-deadline.ts'
import { readTextFields } from '../../codec/text-fields.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { createAnswerRecord } from './answer/answer-record.ts'
import { readTextRequest } from './answer/text-request.ts'
import { continueStream, type StreamMove } from './continue-stream.ts'

const chunk = (content: string) =>
  `data: ${JSON.stringify({ id: 'a', choices: [{ index: 0, delta: { content } }] })}\n\n`

/** All that a client gets of a stream that ends like this, and where another one would go on. */
async function read(raw: string) {
  const body = { model: 'm', messages: [{ role: 'user', content: 'x' }], stream: true }
  const request = readTextRequest('chat/completions', readTextFields(new TextEncoder().encode(JSON.stringify(body))))
  if (request === undefined) throw new Error('it can not be gone on with')
  const record = createAnswerRecord(request)
  const moves: StreamMove[] = []
  let from: string | undefined
  const stream = continueStream({
    ...{ request, record, moves: 0, timers: systemTimers, now: () => 0, hungUp: new AbortController().signal },
    first: { upstream: {} as Upstream, response: new Response(raw), plan: undefined, asksIds: false, end: () => {} },
    paceOf: () => ({ limitMs: Number.POSITIVE_INFINITY, came: () => {} }),
    next: {
      exists: async () => false,
      open: async () => {
        from = record.shown
        return undefined
      },
    },
    onBegun: () => {},
    onFailure: () => {},
    onWhole: () => {},
    onMove: (move) => moves.push(move),
  })
  let seen = ''
  for await (const part of stream) seen += part.toString()
  return { seen, from, moves }
}

it.each(['b\ufffd', 'b\ud83d'])(
  'an event that ends within a character (%j) is not given on before the rest comes',
  async (half) => {
    const cut = await read(chunk('a') + chunk(half))
    expect([cut.from, cut.seen.startsWith(chunk('a')), cut.seen.includes('"b')]).toEqual(['a', true, false])
    expect(cut.moves).toEqual([{ reason: 'socket', outcome: 'cut-off' }])
    const rest = half === 'b\ud83d' ? '\ude00c' : 'c'
    const whole = chunk('a') + chunk(half) + chunk(rest)
    expect((await read(`${whole}data: [DONE]\n\n`)).seen).toBe(`${whole}data: [DONE]\n\n`)
  },
)

it('comments, events of other kinds and ends of lines of all kinds are given on byte by byte', async () => {
  const raw = `: ping\n\nevent: ping\ndata: {"x":1}\n\nid: 7\r\ndata: {"id":"a","choices":[]}\r\n\r\n${chunk('a')}data: [DONE]\n\n`
  expect((await read(raw)).seen).toBe(raw)
})

it('a stream whose last event lacks its blank line is whole', async () => {
  expect((await read(`${chunk('a')}data: [DONE]`)).seen).toBe(`${chunk('a')}data: [DONE]\n\n`)
})
