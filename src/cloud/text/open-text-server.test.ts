import { afterEach, describe, expect, it, vi } from 'vitest'
import { type TextBehaviour, textBehaviours } from '../../testing/text-servers/behaviours.ts'
import { type FakeTextServer, openFakeTextServer } from '../../testing/text-servers/fake-text-server.ts'
import { renderChat, splitAnswer } from '../../testing/text-servers/recital.ts'
import { openTextServer } from './open-text-server.ts'
import type { CloudTextPart, CloudWriteRequest, GoOn, TextServerOptions } from './text-server.ts'

const opened: FakeTextServer[] = []
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close()
})

const patiently = { timeout: 50_000 }
const messages = [{ role: 'user' as const, content: 'Tell of a fox' }]
const ask: CloudWriteRequest = { model: 'teller', prompt: { messages }, sampling: {}, stops: [], maxTokens: 1_000 }

async function open(
  behaviour: TextBehaviour,
  {
    fake = {},
    ...options
  }: Partial<TextServerOptions> & { readonly fake?: Partial<Parameters<typeof openFakeTextServer>[0]> } = {},
) {
  const fakeServer = await openFakeTextServer({ behaviour, ...fake })
  opened.push(fakeServer)
  const server = openTextServer({ url: fakeServer.url, askMs: 50_000, ...options })
  const answer = fakeServer.recital.answer(splitAnswer(renderChat(messages)).prompt)
  return { fake: fakeServer, server, answer }
}

/** Writes, and gives all parts and the end, or the error. */
async function write(
  server: ReturnType<typeof openTextServer>,
  request: Partial<CloudWriteRequest> = {},
  options: Partial<Parameters<typeof server.write>[1]> = {},
) {
  const parts: CloudTextPart[] = []
  const onPart = (part: CloudTextPart) => void parts.push(part)
  const outcome = await server.write({ ...ask, ...request }, { onPart, ...options }).then(
    (end) => ({ end, error: undefined }),
    (error: unknown) => ({ end: undefined, error: error as { code: string; context: Record<string, unknown> } }),
  )
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return { parts, text, ...outcome }
}

const goOnWith = (shown: string): GoOn => ({ shown, held: '', tokens: 5, promptText: renderChat(messages) })

const found = [
  ['byIds', 'vllm', ['token-ids', 'text', 'continue-final-message'], {}],
  ['continues', 'unknown', ['continue-final-message'], { trims: false }],
  ['byText', 'unknown', ['text'], { trims: false }],
  ['trailing', 'unknown', ['continue-final-message', 'trailing-message'], { trims: true, losesBlanks: false }],
  ['losesBlanks', 'unknown', ['continue-final-message'], { trims: true, losesBlanks: true }],
  ['ignores', 'unknown', [], undefined],
  ['refuses', 'unknown', [], undefined],
] as const

describe('a probe', () => {
  it.each(found)('of a server that is %s finds out how it goes on', async (name, kind, ways, habits) => {
    const { server, fake } = await open(textBehaviours[name])
    const facts = await server.describe('teller')
    expect(facts).toMatchObject({ model: 'teller', kind, waysKnown: 'probed' })
    expect(facts.ways.map(({ way }) => way)).toEqual(ways)
    if (habits !== undefined) expect(facts.ways[ways.length - 1]).toMatchObject(habits)
    const probes = fake.asked.length
    expect(await server.describe('teller')).toBe(facts)
    expect(fake.asked.length).toBe(probes)
    expect(fake.asked.every(({ body }) => (body.max_tokens ?? 99) <= 3)).toBe(true)
  })

  it("is of a completion's text alone at a server of llama.cpp's Python bindings, known by its API's title", async () => {
    const pages = {
      '/openapi.json': { openapi: '3.1.0', info: { title: '🦙 llama.cpp Python API', version: '0.3.36' } },
    }
    const { server, fake } = await open(textBehaviours.byTextAlone, { fake: { pages } })
    const facts = await server.describe('teller')
    expect(facts).toMatchObject({ kind: 'llama-cpp-python', version: '0.3.36', waysKnown: 'probed' })
    expect(facts.ways.map(({ way }) => way)).toEqual(['text'])
    expect(new Set(fake.asked.map(({ path }) => path))).toEqual(new Set(['/v1/completions']))
    const off = await open(textBehaviours.byTextAlone, { fake: { pages }, probe: false })
    expect((await off.server.describe('teller')).ways.map(({ way }) => way)).toEqual(['text'])
  })

  it('takes another API of the same framework for no server that it knows', async () => {
    const pages = { '/openapi.json': { info: { title: 'FastAPI', version: '0.1.0' } } }
    const { server } = await open(textBehaviours.byTextAlone, { fake: { pages } })
    expect(await server.describe('teller')).toMatchObject({ kind: 'unknown', waysKnown: 'probed' })
  })

  it('tells the ids that the server has for a text', async () => {
    const { server, fake } = await open(textBehaviours.byIds)
    const { tokensOf } = await server.describe('teller')
    expect(tokensOf?.ids).toEqual(fake.recital.encode(tokensOf?.text ?? ''))
  })

  it('is not sent where it is switched off, or the server charges', async () => {
    const paid = await open(textBehaviours.echoes)
    expect(await paid.server.describe('teller')).toMatchObject({
      kind: 'mistral',
      waysKnown: 'assumed',
      ways: [{ way: 'prefix' }],
    })
    const off = await open(textBehaviours.continues, { probe: false })
    expect(await off.server.describe('teller')).toMatchObject({ ways: [], waysKnown: 'no' })
    expect([...paid.fake.asked, ...off.fake.asked]).toEqual([])
  })

  it('is not needed where a gateway says what it has found', async () => {
    const hither = {
      kind: 'vllm',
      continues: ['token-ids', 'text', 'some-newer-way'],
      trims: false,
      contextTokens: 4096,
    }
    const { server, fake } = await open(textBehaviours.byIds, { fake: { entry: { hither } } })
    const facts = await server.describe('teller')
    expect(facts).toMatchObject({ kind: 'vllm', waysKnown: 'said', contextTokens: 4096 })
    expect(facts.ways.map(({ way }) => way)).toEqual(['token-ids', 'text'])
    expect(fake.asked).toEqual([])
  })

  it('is sent again once the server has become another one', async () => {
    const { server, fake } = await open(textBehaviours.continues)
    expect((await server.describe('teller')).ways).toHaveLength(1)
    await write(server)
    fake.setBehaviour(textBehaviours.ignores)
    fake.setFingerprint('fp-2')
    await write(server)
    expect((await server.describe('teller')).ways).toEqual([])
  })
})

describe('an answer', () => {
  it('from the beginning does not wait for a probe, and comes whole', async () => {
    const { server, fake, answer } = await open(textBehaviours.byIds)
    const { text, end, parts } = await write(server)
    expect(text).toBe(answer)
    expect(end).toMatchObject({
      reason: 'stop',
      fingerprint: 'fp-1',
      usage: { answerTokens: fake.recital.encode(answer).length },
    })
    expect(fake.asked).toHaveLength(1)
    expect(parts[0]).toMatchObject({ type: 'begun', promptIds: expect.any(Array) })
    expect(parts.flatMap((part) => (part.type === 'text' ? (part.ids ?? []) : []))).toEqual(fake.recital.encode(answer))
  })

  it('of several tokens in each event is the same', async () => {
    const { server, answer } = await open(textBehaviours.continues, { fake: { perEvent: 7 } })
    expect((await write(server)).text).toBe(answer)
  })

  it.each(['byIds', 'byText', 'continues', 'trailing', 'losesBlanks', 'echoes'] as const)(
    'that was begun elsewhere is gone on with by a server that is %s',
    async (name) => {
      const { server, answer } = await open(textBehaviours[name])
      const shown = answer.slice(0, answer.indexOf(' ', 12) + 1)
      const { text, end } = await write(server, { goOn: goOnWith(shown) })
      expect(shown + text).toBe(answer)
      expect(end?.way).toBeDefined()
    },
  )

  it.each(['ignores', 'refuses'] as const)(
    'is never begun anew where it should go on, by a server that %s it (case 58)',
    async (name) => {
      const { server, answer } = await open(textBehaviours[name])
      const { parts, error } = await write(server, { goOn: goOnWith(answer.slice(0, 20)) })
      expect(error).toMatchObject({ code: 'cloud-refused', context: { goOn: true } })
      expect(parts).toEqual([])
    },
  )

  it('that has all its tokens is not asked for', async () => {
    const { server, answer } = await open(textBehaviours.continues)
    const { end } = await write(server, { maxTokens: 5, goOn: goOnWith(answer.slice(0, 20)) })
    expect(end).toEqual({ reason: 'length' })
  })

  it('has only options that its server knows', async () => {
    const sampling = { temperature: 0.5, topK: 40, minP: 0.1, repetitionPenalty: 1.1, seed: 7 }
    const vllm = await open(textBehaviours.byIds)
    await write(vllm.server, { sampling })
    expect(vllm.fake.asked[0]?.body).toMatchObject({
      temperature: 0.5,
      top_k: 40,
      min_p: 0.1,
      repetition_penalty: 1.1,
      seed: 7,
    })
    const mistral = await open(textBehaviours.echoes)
    await write(mistral.server, { sampling })
    const { body } = mistral.fake.asked[0] ?? { body: {} }
    expect(body).toMatchObject({ temperature: 0.5, random_seed: 7 })
    for (const name of ['top_k', 'min_p', 'repetition_penalty', 'seed', 'stream_options', 'return_token_ids']) {
      expect(body).not.toHaveProperty(name)
    }
  })

  it('is asked for with the headers and the token that were given', async () => {
    const { server, fake } = await open(textBehaviours.continues, { headers: { 'X-Team': 'a' }, token: () => 'secret' })
    await write(server)
    expect(fake.asked[0]?.headers).toMatchObject({ 'x-team': 'a', authorization: 'Bearer secret' })
  })

  it.each(['/v1', '/openai/v1', '/v3'])('is found at %s, whether or not the address says so', async (base) => {
    const { fake, answer } = await open(textBehaviours.continues, { fake: { base } })
    for (const url of [fake.url, `${fake.url}${base}`]) {
      expect((await write(openTextServer({ url, askMs: 50_000 }))).text).toBe(answer)
    }
  })
})

describe('a failure', () => {
  const faults = [
    ['a socket that dies', { kind: 'destroy', at: 5 }, { code: 'cloud-bad-response', context: { cutOff: true } }],
    ['half an event', { kind: 'half', at: 5 }, { code: 'cloud-bad-response', context: { cutOff: true } }],
    ['an end without a finish', { kind: 'ends', at: 5 }, { code: 'cloud-bad-response', context: { cutOff: true } }],
    ['JSON that is no answer', { kind: 'nonsense', at: 5 }, { code: 'cloud-bad-response' }],
    ['an error', { kind: 'error', at: 5, error: { message: 'no memory', code: 500 } }, { code: 'cloud-failed' }],
    [
      'a cut that a gateway reports',
      { kind: 'error', at: 5, error: { code: 'cut_off' } },
      { context: { cutOff: true } },
    ],
  ] as const
  it.each(faults)('by %s in the middle keeps what has come', async (_, fault, error) => {
    const { server, fake, answer } = await open(textBehaviours.byIds)
    await server.describe('teller')
    fake.fail(fault)
    const { text, error: failed } = await write(server)
    expect(failed).toMatchObject(error)
    expect(text).not.toBe('')
    expect(answer.startsWith(text)).toBe(true)
  })

  it('by silence has a code, and ends the request', async () => {
    const { server, fake } = await open(textBehaviours.byIds)
    await server.describe('teller')
    fake.fail({ kind: 'stall', at: 5 })
    const { text, error } = await write(server, {}, { silenceMs: 300 })
    expect(error).toMatchObject({ code: 'cloud-timeout', context: { silentMs: 300 } })
    expect(text).not.toBe('')
    await vi.waitFor(() => expect(fake.open).toBe(0), patiently)
  })

  it('by a page instead of an answer is refused', async () => {
    const { server, fake } = await open(textBehaviours.byIds)
    await server.describe('teller')
    fake.fail({ kind: 'html' })
    const { error, parts } = await write(server)
    expect([error?.code, parts]).toEqual(['cloud-bad-response', []])
  })

  it('by overload is believed: the server is left alone until then, or waited for', async () => {
    let clock = 0
    const { server, fake, answer } = await open(textBehaviours.byIds, { now: () => clock })
    await server.describe('teller')
    const asked = fake.asked.length
    fake.fail({ kind: 'status', status: 429, headers: { 'Retry-After': '7' } })
    const first = await write(server)
    expect(first.error).toMatchObject({ code: 'cloud-overloaded', context: { retryAfterMs: 7_000 } })
    clock = 4_000
    expect((await write(server)).error).toMatchObject({ code: 'cloud-overloaded', context: { retryAfterMs: 3_000 } })
    expect(fake.asked.length).toBe(asked + 1)
    fake.fail(undefined)
    clock = 6_950
    expect((await write(server, {}, { maxWaitMs: 1_000 })).text).toBe(answer)
  })

  it('by the caller ends the request at once, with his reason', async () => {
    const { server, fake } = await open(textBehaviours.byIds)
    await server.describe('teller')
    fake.fail({ kind: 'stall', at: 5 })
    const leaving = new AbortController()
    const reason = new Error('enough')
    const writing = write(
      server,
      {},
      {
        signal: leaving.signal,
        onPart: ({ type }) => {
          if (type === 'text') leaving.abort(reason)
        },
      },
    )
    expect((await writing).error).toBe(reason)
    await vi.waitFor(() => expect(fake.open).toBe(0), patiently)
  })

  it('for want of the model names it', async () => {
    const { server } = await open(textBehaviours.byIds)
    expect((await write(server, { model: 'another' })).error).toMatchObject({ code: 'cloud-model-missing' })
  })
})
