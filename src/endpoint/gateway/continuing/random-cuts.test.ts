import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { TextModelFacts } from '../../../cloud/text/text-server.ts'
import {
  type textBehaviours as allBehaviours,
  answerAs,
  type FakeBody,
  idsOf,
  textBehaviours,
} from '../../../testing/text-servers/behaviours.ts'
import { createRecital, renderChat, splitAnswer } from '../../../testing/text-servers/recital.ts'
import { systemTimers } from '../../../utils/with-deadline.ts'
import { editBody } from '../../codec/edit-body.ts'
import { readTextFields } from '../../codec/text-fields.ts'
import type { Upstream } from '../upstreams/upstream.ts'
import { createAnswerRecord } from './answer/answer-record.ts'
import { readTextRequest } from './answer/text-request.ts'
import { continueStream } from './continue-stream.ts'
import type { Leg } from './legs/leg.ts'
import { planLeg } from './legs/plan-leg.ts'
import { toEdit } from './legs/to-edit.ts'

const recital = createRecital({ tokens: 40 })
const plain = { trims: false, losesBlanks: false, echoes: false }
const tokensOf = { text: 'a', ids: [1] }
type Name = keyof typeof allBehaviours

/** Each behaviour as its probe finds it. */
const servers: readonly (readonly [Name, Pick<TextModelFacts, 'kind' | 'ways' | 'tokenizer' | 'tokensOf'>])[] = [
  [
    'byIds',
    {
      kind: 'vllm',
      tokensOf,
      ways: [
        { ...plain, way: 'token-ids' },
        { ...plain, way: 'continue-final-message' },
      ],
    },
  ],
  [
    'hither',
    {
      kind: 'hither',
      tokenizer: 'a',
      ways: [
        { ...plain, way: 'token-ids' },
        { ...plain, way: 'continue-final-message' },
      ],
    },
  ],
  ['continues', { kind: 'unknown', ways: [{ ...plain, way: 'continue-final-message' }] }],
  ['trailing', { kind: 'llama.cpp', ways: [{ ...plain, way: 'trailing-message', trims: true }] }],
  [
    'losesBlanks',
    { kind: 'transformers', ways: [{ ...plain, way: 'continue-final-message', trims: true, losesBlanks: true }] },
  ],
  ['echoes', { kind: 'mistral', ways: [{ ...plain, way: 'prefix', trims: true, echoes: true }] }],
]

const utf8 = new TextEncoder()

/** A server's stream as bytes. */
function streamOf(
  name: Name,
  path: 'chat/completions' | 'completions',
  body: FakeBody & { readonly return_token_ids?: boolean },
  perEvent: number,
) {
  const answer = answerAs(textBehaviours[name], path, body, recital)
  if (!('tokens' in answer)) throw new Error(`refused: ${JSON.stringify(answer)}`)
  const isChat = path === 'chat/completions'
  const event = (text: string, ids: readonly number[], finish: string | null, more = {}) => {
    const said = isChat ? { delta: { content: text } } : { text }
    const told = body.return_token_ids === true ? { token_ids: ids } : {}
    const choices = [{ index: 0, ...said, finish_reason: finish, ...told }]
    return `data: ${JSON.stringify({ id: name, object: path, created: 1, model: 'm', choices, ...more })}\n\n`
  }
  let text = ''
  for (let at = 0; at < answer.tokens.length; at += perEvent) {
    const some = answer.tokens.slice(at, at + perEvent)
    const prompt = at === 0 && body.return_token_ids === true ? { prompt_token_ids: answer.promptIds } : {}
    text += event(some.map((token) => token.text).join(''), idsOf(some), null, prompt)
  }
  return utf8.encode(`${text}${event('', [], answer.finish)}data: [DONE]\n\n`)
}

/** These bytes in pieces, up to where the connection breaks. */
function responseOf(
  bytes: Uint8Array,
  { share, pieceBytes, isError }: { readonly share: number; readonly pieceBytes: number; readonly isError: boolean },
) {
  const end = Math.floor(bytes.length * share)
  let at = 0
  return new Response(
    new ReadableStream<Uint8Array>({
      pull(controller) {
        const to = Math.min(end, at + pieceBytes)
        if (to > at) controller.enqueue(bytes.slice(at, to))
        at = to
        if (at < end) return
        if (share < 1 && isError) controller.error(new TypeError('terminated'))
        else controller.close()
      },
    }),
    { headers: { 'Content-Type': 'text/event-stream' } },
  )
}

function untilStop(text: string, stops: readonly string[]): string {
  for (let end = 1; end <= text.length; end += 1) {
    const starts = stops.filter((stop) => text.slice(0, end).endsWith(stop)).map((stop) => end - stop.length)
    if (starts.length > 0) return text.slice(0, Math.min(...starts))
  }
  return text
}

const server = fc.constantFrom(...servers)
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const cases = fc.record({
  legs: fc.tuple(server, server, server),
  about: fc.integer({ min: 0, max: 5_000 }),
  shares: fc.tuple(share, fc.oneof(share, fc.constant(1))),
  pieceBytes: fc.integer({ min: 1, max: 900 }),
  perEvent: fc.integer({ min: 1, max: 4 }),
  isError: fc.boolean(),
  stop: fc.option(fc.record({ at: share, length: fc.integer({ min: 1, max: 8 }) })),
  short: fc.option(share),
})

it('a stream that is cut at any bytes, once or twice, is as if undisturbed, whoever writes it', async () => {
  let continued = 0
  await fc.assert(
    fc.asyncProperty(cases, async ({ legs, about, shares, pieceBytes, perEvent, isError, stop, short }) => {
      const messages = [{ role: 'user', content: `Tell of ${about}` }]
      const text = recital.answer(splitAnswer(renderChat(messages)).prompt)
      const from = stop === null ? 0 : Math.floor(stop.at * text.length)
      const own = stop === null ? '' : text.slice(from, from + stop.length)
      const stops = own === '' || /[\ud800-\udfff]/.test(own) ? [] : [own]
      const ids = recital.encode(text)
      // Only ids can be counted to the very token.
      const areIds =
        legs.every(([name]) => name === legs[0][0]) && ['byIds', 'hither'].includes(legs[0][0]) && perEvent === 1
      const limit = areIds && short !== null && stops.length === 0 ? Math.max(1, Math.ceil(short * ids.length)) : 5_000
      const body = utf8.encode(
        JSON.stringify({
          model: 'm',
          messages,
          max_tokens: limit,
          stream: true,
          temperature: 0,
          ...(stops.length > 0 ? { stop: stops } : {}),
        }),
      )
      const request = readTextRequest('chat/completions', readTextFields(body))
      if (request === undefined) throw new Error('it can not be gone on with')
      const record = createAnswerRecord(request)
      const upstreams = legs.map(([, facts], index) => {
        const known = { model: 'm', waysKnown: 'probed', ...facts }
        return { url: String(index), texts: { known: () => known } } as unknown as Upstream
      })
      const bytesOf = (index: number, path: 'chat/completions' | 'completions', given: Uint8Array) =>
        streamOf(
          legs[index]?.[0] ?? 'continues',
          path,
          JSON.parse(new TextDecoder().decode(given)) as FakeBody,
          perEvent,
        )
      const factsOf = (index: number) => upstreams[index]?.texts.known('m')
      const asksIds = legs[0][1].kind === 'hither' || (legs[0][1].kind === 'vllm' && stops.length === 0)
      const first: Leg = {
        upstream: upstreams[0] as Upstream,
        response: responseOf(
          bytesOf(0, 'chat/completions', editBody(body, { fields: asksIds ? { return_token_ids: true } : {} })),
          { share: shares[0], pieceBytes, isError },
        ),
        plan: undefined,
        asksIds,
        end: () => {},
      }
      let at = 0
      const open = async (): Promise<Leg | undefined> => {
        at += 1
        const [upstream, facts] = [upstreams[at], factsOf(at)]
        const plan = planLeg(request, record, facts, factsOf(at - 1))
        if (upstream === undefined || plan === undefined) throw new Error('nobody goes on')
        const { path, edit, asksIds: isTold } = toEdit(request, record, plan, facts)
        const bytes = bytesOf(at, path, edit === undefined ? body : editBody(body, edit))
        record.begins(plan.way === undefined ? 'start' : plan.way === 'token-ids' ? 'ids' : 'text')
        continued += 1
        const isFirst = record.isEmpty && plan.way === undefined
        const response = responseOf(bytes, { share: at === 1 ? shares[1] : 1, pieceBytes, isError })
        return { upstream, response, plan: isFirst ? undefined : plan, asksIds: isTold, end: () => {} }
      }
      const stream = continueStream({
        ...{ request, record, first, moves: 0, timers: systemTimers, now: () => 0 },
        hungUp: new AbortController().signal,
        paceOf: () => ({ limitMs: Number.POSITIVE_INFINITY, came: () => {} }),
        next: { exists: async () => true, open },
        onBegun: () => {},
        onFailure: () => {},
        onWhole: () => {},
        onMove: () => {},
      })
      let raw = ''
      for await (const part of stream) raw += part.toString()
      const events = raw
        .split('\n\n')
        .slice(0, -1)
        .map((block) => block.slice('data: '.length))
      expect(events.at(-1)).toBe('[DONE]')
      const chunks = events
        .slice(0, -1)
        .map(
          (data) =>
            JSON.parse(data) as { id: string; choices: { delta: { content?: string }; finish_reason: unknown }[] },
        )
      const seen = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
      const isShort = limit < ids.length
      const expected = untilStop(isShort ? recital.decode(ids.slice(0, limit)) : text, stops)
      // The last character of an answer that ends by its limit may be half.
      const half = isShort ? /\ufffd$/ : /^$/
      expect(seen.replace(half, '')).toBe(expected.replace(half, ''))
      expect(new Set(chunks.map(({ id }) => id)).size).toBeLessThanOrEqual(1)
      expect(raw).not.toContain('token_ids')
      const finishes = chunks.map(({ choices }) => choices[0]?.finish_reason).filter((reason) => reason !== null)
      expect(finishes).toEqual([isShort ? 'length' : 'stop'])
    }),
    { numRuns: 2_000, endOnFailure: true },
  )
  expect(continued).toBeGreaterThan(1_000)
}, 600_000)
