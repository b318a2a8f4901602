import { describe, expect, it } from 'vitest'
import { createManualTimers } from '../../../testing/manual-timers.ts'
import type { textBehaviours } from '../../../testing/text-servers/behaviours.ts'
import type { TextFault } from '../../../testing/text-servers/fake-text-server.ts'
import { closeGateways, openGateway as open } from '../../../testing/text-servers/gateway-fixture.ts'
import { renderChat } from '../../../testing/text-servers/recital.ts'
import type { SeenStream, TextGateway } from '../../../testing/text-servers/text-gateway.ts'
import { until } from '../../../testing/until.ts'

type Name = keyof typeof textBehaviours
const minutes = 60_000

const ask = (content: string) => ({ messages: [{ role: 'user', content }], temperature: 0, max_tokens: 500 })
const countOf = (gateway: TextGateway, content: string) =>
  gateway.servers[0]?.recital.encode(gateway.answerTo(content)).length ?? 0

/** One stream as its client expects it. */
function expectWhole(seen: SeenStream, text: string) {
  expect(seen.text).toBe(text)
  expect(seen).toMatchObject({ status: 200, ids: [expect.any(String)], models: ['teller'], ends: ['stop', 'done'] })
}

/** Spoils the first server's streams, has one stream written, and mends it. */
async function spoiled(gateway: TextGateway, fault: TextFault, content: string, more = {}): Promise<SeenStream> {
  gateway.servers[0]?.fail(fault)
  const seen = await gateway.chat({ ...ask(content), ...more })
  gateway.servers[0]?.fail(undefined)
  // It has failed often by now.
  gateway.engine.upstreams[0]?.state.succeeded()
  return seen
}

describe('a stream whose upstream is killed', () => {
  it.each<readonly [Name, Name]>([
    ['byIds', 'byIds'],
    ['hither', 'hither'],
    ['continues', 'trailing'],
  ])('at any token goes on, from %s to %s, as if undisturbed', { timeout: 10 * minutes }, async (from, to) => {
    const gateway = await open([from, to])
    const content = 'Tell of 17'
    for (let at = 0; at <= countOf(gateway, content); at += 1) {
      expectWhole(await spoiled(gateway, { kind: 'destroy', at }, content), gateway.answerTo(content))
    }
    expect(gateway.engine.upstreams[0]?.state.inFlight).toBe(0)
  })

  it('says by ids where it goes on, to those that have the same', { timeout: 2 * minutes }, async () => {
    for (const name of ['byIds', 'hither'] as const) {
      const gateway = await open([name, name])
      await spoiled(gateway, { kind: 'destroy', at: 9 }, 'Tell of 3')
      const last = gateway.servers[1]?.asked.at(-1)
      expect([last?.path, Array.isArray(last?.body.prompt)]).toEqual(['/v1/completions', true])
      expect(last?.body).not.toHaveProperty('messages')
      expect(last?.body.hither_answer_tokens).toEqual(name === 'hither' ? expect.any(Number) : undefined)
    }
  })

  it.each<Name>(['byIds', 'hither', 'continues', 'byText', 'trailing', 'losesBlanks', 'echoes', 'ignores', 'refuses'])(
    'is whole from %s to each that can go on, and cut off before those that can not',
    { timeout: 10 * minutes },
    async (from) => {
      for (const to of ['byIds', 'hither', 'continues', 'trailing', 'losesBlanks', 'echoes'] as const) {
        const gateway = await open([from, to], { continues: true })
        for (const [index, at] of [0, 1, 3, 6, 10].entries()) {
          const content = `Tell of ${index} for ${to}`
          expectWhole(await spoiled(gateway, { kind: 'destroy', at }, content), gateway.answerTo(content))
        }
        await closeGateways()
      }
      for (const to of ['byText', 'ignores', 'refuses'] as const) {
        const gateway = await open([from, to])
        const seen = await spoiled(gateway, { kind: 'destroy', at: 8 }, 'Tell of 5')
        expect([seen.ends, gateway.answerTo('Tell of 5').startsWith(seen.text)]).toEqual([['cut_off'], true])
        // Nothing was shown: it is begun anew.
        expectWhole(await spoiled(gateway, { kind: 'destroy', at: 0 }, 'Tell of 6'), gateway.answerTo('Tell of 6'))
      }
    },
  )

  it('of a completion goes on by ids or by text', { timeout: 5 * minutes }, async () => {
    const prompt = renderChat([{ role: 'user', content: 'Tell' }])
    for (const from of ['byIds', 'hither', 'byText'] as const) {
      for (const to of ['byIds', 'hither', 'byText'] as const) {
        const gateway = await open([from, to])
        for (const at of [0, 1, 5, 11]) {
          gateway.servers[0]?.fail({ kind: 'destroy', at })
          expectWhole(await gateway.complete({ prompt, temperature: 0, max_tokens: 500 }), gateway.answerTo('Tell'))
        }
      }
    }
  })

  it('goes on three times, and no more', { timeout: 2 * minutes }, async () => {
    const gateway = await open(['continues', 'continues', 'continues', 'continues'])
    const fail = (ats: readonly number[]) => {
      for (const [index, server] of gateway.servers.entries()) {
        const at = ats[index]
        server.fail(at === undefined ? undefined : { kind: 'destroy', at })
      }
    }
    fail([4, 3, 2])
    expectWhole(await gateway.chat(ask('Tell')), gateway.answerTo('Tell'))
    fail([4, 3, 2, 2])
    const seen = await gateway.chat(ask('Tell'))
    expect([seen.ends, gateway.answerTo('Tell').startsWith(seen.text)]).toEqual([['cut_off'], true])
    expect(gateway.servers[0]?.recital.encode(seen.text).length).toBe(11)
  })
})

describe('a stream that stalls', () => {
  it('at any token goes on elsewhere', { timeout: 10 * minutes }, async () => {
    const timers = createManualTimers()
    const gateway = await open(['byIds', 'continues'], { timers })
    const content = 'Tell of 17'
    for (let at = 0; at < countOf(gateway, content); at += 1) {
      let events = 0
      gateway.servers[0]?.fail({ kind: 'stall', at })
      const seen = gateway.chat(ask(content), (now) => {
        events = now.events.length
      })
      // All that comes has come, and the gateway waits for more.
      await until(() => {
        const isAsked = at === 0 || gateway.servers[0]?.open === 1
        if (!isAsked || events !== at || timers.size === 0) return false
        timers.fireAll()
        return true
      })
      expectWhole(await seen, gateway.answerTo(content))
      gateway.engine.upstreams[0]?.state.succeeded()
    }
  })

  it('is waited for where nobody else can go on', { timeout: 2 * minutes }, async () => {
    const timers = createManualTimers()
    const gateway = await open(['continues', 'ignores'], { timers })
    gateway.servers[0]?.fail({ kind: 'stall', at: 6 })
    const leaving = new AbortController()
    const response = await gateway.post('chat/completions', { ...ask('Tell'), stream: true }, leaving.signal)
    const reader = response.body?.getReader()
    await reader?.read()
    for (let round = 0; round < 20; round += 1) {
      timers.fireAll()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(gateway.servers[0]?.open).toBe(1)
    expect(gateway.servers[1]?.open).toBe(0)
    leaving.abort()
    await reader?.closed.catch(() => {})
    await expect.poll(() => gateway.servers[0]?.open, { timeout: 50_000 }).toBe(0)
  })
})

describe('a stream that is spoiled in another way', () => {
  it.each<readonly [string, TextFault]>([
    ['half an event', { kind: 'half', at: 7 }],
    ['an end without a finish', { kind: 'ends', at: 7 }],
    ['an error of the server', { kind: 'error', at: 7, error: { message: 'CUDA', code: 500 } }],
    ['an error that it is busy', { kind: 'error', at: 7, error: { message: 'busy', code: 503 } }],
    ['nonsense', { kind: 'nonsense', at: 7 }],
    ['nonsense at once', { kind: 'nonsense', at: 0 }],
    ['a page', { kind: 'html' }],
    ['status 500', { kind: 'status', status: 500 }],
    ['status 502', { kind: 'status', status: 502 }],
    ['status 503', { kind: 'status', status: 503 }],
  ])('by %s goes on', { timeout: 2 * minutes }, async (_, fault) => {
    const gateway = await open(['byIds', 'continues'])
    expectWhole(await spoiled(gateway, fault, 'Tell of 2'), gateway.answerTo('Tell of 2'))
  })

  it('by an error that is the request’s own ends with it', { timeout: 2 * minutes }, async () => {
    const gateway = await open(['continues', 'continues'])
    const error = { message: 'the context is full', code: 400 }
    const seen = await spoiled(gateway, { kind: 'error', at: 7, error }, 'Tell of 2')
    expect([seen.ends, seen.events.at(-1)]).toEqual([[400], { error }])
    expect(gateway.servers[1]?.asked.every(({ body }) => body.stream !== true)).toBe(true)
  })
})

describe('what can not be handed over', () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: {} } }]
  it.each<readonly [string, object]>([
    ['JSON', { response_format: { type: 'json_object' } }],
    ['probabilities', { logprobs: true }],
    ['several answers', { n: 2 }],
    ['a grammar', { guided_regex: 'a+' }],
  ])('%s: the stream is cut off', { timeout: 2 * minutes }, async (_, more) => {
    const gateway = await open(['continues', 'continues'])
    const seen = await spoiled(gateway, { kind: 'destroy', at: 7 }, 'Tell of 2', more)
    expect(seen.ends).toEqual(['cut_off'])
  })

  it('text of a request with tools goes on as a chat, never as a completion', { timeout: 2 * minutes }, async () => {
    const gateway = await open(['byIds', 'byIds'])
    expectWhole(
      await spoiled(gateway, { kind: 'destroy', at: 7 }, 'Tell of 2', { tools }),
      gateway.answerTo('Tell of 2'),
    )
    expect(gateway.servers[1]?.asked.at(-1)?.path).toBe('/v1/chat/completions')
  })

  it('any stream, where that is switched off', { timeout: 2 * minutes }, async () => {
    const gateway = await open(['continues', 'continues'], { continues: false })
    expect((await spoiled(gateway, { kind: 'destroy', at: 7 }, 'Tell of 2')).ends).toEqual(['cut_off'])
    expect((await spoiled(gateway, { kind: 'status', status: 500 }, 'Tell of 2')).status).toBe(500)
  })

  it('any stream, to a server that charges', { timeout: 2 * minutes }, async () => {
    const gateway = await open(['continues', 'echoes'])
    expect((await spoiled(gateway, { kind: 'destroy', at: 7 }, 'Tell of 2')).ends).toEqual(['cut_off'])
  })
})

describe('the whole answer', () => {
  it('has no more tokens than were asked for', { timeout: 5 * minutes }, async () => {
    for (const name of ['byIds', 'hither', 'continues', 'losesBlanks'] as const) {
      const gateway = await open([name, name])
      const { recital } = gateway.servers[0] ?? {}
      const all = recital?.encode(gateway.answerTo('Tell of 4')) ?? []
      for (const most of [1, 5, 9, 10]) {
        const seen = await spoiled(gateway, { kind: 'destroy', at: 5 }, 'Tell of 4', { max_tokens: most })
        expect(seen.text).toBe(recital?.decode(all.slice(0, most)).replace(/\ufffd$/, ''))
        expect(seen.ends).toEqual(['length', 'done'])
      }
    }
  })

  it('ends before a stop string, also where it lies across the cut', { timeout: 5 * minutes }, async () => {
    for (const name of ['byIds', 'hither', 'continues', 'trailing'] as const) {
      const gateway = await open([name, name])
      const answer = gateway.answerTo('Tell of 8')
      // Not half of a pair of surrogates.
      const [stop = ''] = /[^\ud800-\udfff]{5}/.exec(answer.slice(14)) ?? []
      const expected = answer.slice(0, answer.indexOf(stop))
      for (let at = 0; at < countOf(gateway, 'Tell of 8'); at += 1) {
        const seen = await spoiled(gateway, { kind: 'destroy', at }, 'Tell of 8', { stop: [stop, 'never'] })
        expect(seen.text).toBe(expected)
      }
    }
  })

  it('is counted whole, and its prompt once', { timeout: 5 * minutes }, async () => {
    for (const [from, to] of [
      ['byIds', 'byIds'],
      ['hither', 'hither'],
      ['continues', 'continues'],
    ] as const) {
      const gateway = await open([from, to])
      const more = { stream_options: { include_usage: true } }
      const undisturbed = await gateway.chat({ ...ask('Tell of 9'), ...more })
      const { usage } = await spoiled(gateway, { kind: 'destroy', at: 6 }, 'Tell of 9', more)
      expect([from, to, usage]).toEqual([from, to, undisturbed.usage])
      expect((await spoiled(gateway, { kind: 'destroy', at: 6 }, 'Tell of 9')).usage).toBeUndefined()
    }
  })

  it('has the fields of its stream throughout', { timeout: 2 * minutes }, async () => {
    const gateway = await open(['byIds', 'hither'])
    const undisturbed = await gateway.chat(ask('Tell of 9'))
    const seen = await spoiled(gateway, { kind: 'destroy', at: 6 }, 'Tell of 9')
    const forms = ({ events }: SeenStream) =>
      new Set(
        events.map(
          (event) =>
            `${Object.keys(event)} ${Object.keys((event.choices as object[])[0] ?? {})} ${String(event.object)}`,
        ),
      )
    expect(forms(seen)).toEqual(forms(undisturbed))
  })

  it('has ids where the client has asked for them', { timeout: 2 * minutes }, async () => {
    const gateway = await open(['byIds', 'byIds'])
    const idsOf = ({ events }: SeenStream) =>
      events.flatMap((event) =>
        (event.choices as { token_ids?: number[] }[]).flatMap(({ token_ids: ids }) => ids ?? []),
      )
    const seen = await spoiled(gateway, { kind: 'destroy', at: 6 }, 'Tell of 9', { return_token_ids: true })
    expect(idsOf(seen)).toEqual(gateway.servers[0]?.recital.encode(gateway.answerTo('Tell of 9')))
    const without = await spoiled(gateway, { kind: 'destroy', at: 6 }, 'Tell of 9')
    expect(without.raw).not.toContain('token_ids')
  })
})
