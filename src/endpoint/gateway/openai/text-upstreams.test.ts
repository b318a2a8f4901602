import { afterEach, describe, expect, it, vi } from 'vitest'
import { openTextServer } from '../../../cloud/text/open-text-server.ts'
import { textBehaviours } from '../../../testing/text-servers/behaviours.ts'
import { type FakeTextServer, openFakeTextServer } from '../../../testing/text-servers/fake-text-server.ts'
import { renderChat, splitAnswer } from '../../../testing/text-servers/recital.ts'
import { createEndpoint, type Endpoint } from '../../create-endpoint.ts'
import { createGatewayEngine, type GatewayOptions } from '../create-gateway-engine.ts'
import { createOpenAiPlugin, type StreamSettings } from './openai-plugin.ts'

const upstreams: FakeTextServer[] = []
const endpoints: Endpoint[] = []
afterEach(async () => {
  for (const endpoint of endpoints.splice(0)) await endpoint.close()
  for (const upstream of upstreams.splice(0)) await upstream.close()
})

async function open(
  own: readonly Parameters<typeof openFakeTextServer>[0][],
  options: Partial<GatewayOptions> = {},
  settings: StreamSettings = {},
) {
  const opened = await Promise.all(own.map((each) => openFakeTextServer(each)))
  upstreams.push(...opened)
  const engine = await createGatewayEngine({ upstreams: opened.map(({ url }) => url), random: () => 0, ...options })
  const endpoint = await createEndpoint({ engine, plugins: [createOpenAiPlugin(engine, settings)], logger: false })
  endpoints.push(endpoint)
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  const url = `http://127.0.0.1:${port}`
  const model = async () => (await fetch(`${url}/v1/models/teller`)).json()
  const chat = async (messages: readonly unknown[], more = {}) => {
    const body = JSON.stringify({ model: 'teller', messages, ...more })
    const headers = { 'Content-Type': 'application/json' }
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body })
    return { status: response.status, text: await response.text() }
  }
  return { opened, engine, url, model, chat }
}

const { byIds, continues, trailing, echoes } = textBehaviours
const user = (content: string) => ({ role: 'user', content })

describe("a model's description at the gateway", () => {
  it('says how its upstream goes on, which is probed once', async () => {
    const { opened, model } = await open([{ behaviour: byIds, version: '0.11' }])
    expect(await model()).toMatchObject({
      id: 'teller',
      hither: { kind: 'vllm', continues: ['token-ids', 'text', 'continue-final-message'], version: '0.11' },
    })
    const probes = opened[0]?.asked.length ?? 0
    expect(probes).toBeGreaterThan(0)
    await model()
    expect(opened[0]?.asked.length).toBe(probes)
  })

  it('says what holds at all of its upstreams, and of chats what one of them can', async () => {
    const { model } = await open([{ behaviour: byIds }, { behaviour: trailing }])
    expect((await model()).hither).toMatchObject({
      kind: 'gateway',
      continues: ['continue-final-message'],
      trims: false,
    })
  })

  it('rests on its kind where probing is switched off, or costs money', async () => {
    const off = await open([{ behaviour: continues }], { probe: false, kinds: ['sglang'] })
    expect((await off.model()).hither).toMatchObject({
      kind: 'sglang',
      continues: ['token-ids', 'text', 'continue-final-message'],
    })
    const paid = await open([{ behaviour: echoes }])
    expect((await paid.model()).hither).toEqual({
      kind: 'mistral',
      continues: ['continue-final-message'],
      trims: false,
    })
    expect([...(off.opened[0]?.asked ?? []), ...(paid.opened[0]?.asked ?? [])]).toEqual([])
  })

  it('spares its clients the probe, who then go on through it', async () => {
    const { opened, url } = await open([{ behaviour: trailing }])
    const server = openTextServer({ url, askMs: 50_000 })
    expect(await server.describe('teller')).toMatchObject({ waysKnown: 'said', kind: 'unknown' })
    const probes = opened[0]?.asked.length
    const messages = [{ role: 'user' as const, content: 'Tell' }]
    const answer = opened[0]?.recital.answer(splitAnswer(renderChat(messages)).prompt) ?? ''
    const shown = answer.slice(0, answer.indexOf(' ', 10) + 1)
    let text = shown
    await server.write(
      {
        model: 'teller',
        prompt: { messages },
        sampling: {},
        stops: [],
        maxTokens: 999,
        goOn: { shown, held: '', tokens: 3 },
      },
      {
        onPart(part) {
          if (part.type === 'text') text += part.text
        },
      },
    )
    expect(text).toBe(answer)
    expect(opened[0]?.asked.length).toBe((probes ?? 0) + 1)
  })
})

describe('a conversation', () => {
  it('goes to the same upstream from turn to turn, and others are spread', async () => {
    const { opened, chat } = await open([{ behaviour: continues }, { behaviour: continues }, { behaviour: continues }])
    for (let talk = 0; talk < 12; talk += 1) {
      const first = user(`Talk ${talk}`)
      const turns = [
        [first],
        [first, { role: 'assistant', content: 'a' }, user('b')],
        [first, { role: 'assistant', content: 'a' }, user('c')],
      ]
      for (const turn of turns) expect((await chat(turn)).status).toBe(200)
    }
    const talks = opened.map(({ asked }) => asked.map(({ body }) => body.messages?.[0]?.content))
    expect(talks.map(({ length }) => length % 3)).toEqual([0, 0, 0])
    for (let talk = 0; talk < 12; talk += 1) {
      expect(talks.filter((some) => some.includes(`Talk ${talk}`))).toHaveLength(1)
    }
    expect(talks.filter(({ length }) => length > 0).length).toBeGreaterThan(1)
  })

  it('goes to another upstream while its own is busy', async () => {
    const { opened, chat } = await open([{ behaviour: continues }, { behaviour: continues }])
    await chat([user('Tell')])
    const own = opened.find(({ asked }) => asked.length > 0)
    own?.fail({ kind: 'status', status: 429, headers: { 'Retry-After': '5' } })
    expect((await chat([user('Tell')])).status).toBe(200)
    expect((await chat([user('Tell')])).status).toBe(200)
    // Asked once more, then left alone for as long as it said.
    expect(own?.asked.length).toBe(2)
  })
})

it('five failures with successes between them leave no upstream out', async () => {
  // Continued streams would fail at the other one, too.
  const servers = [{ behaviour: continues }, { behaviour: continues }]
  const { opened, engine, chat } = await open(servers, {}, { continues: false })
  const ejected = () => engine.upstreams.some(({ state }) => state.ejected(performance.now()))
  for (let count = 0; count < 8; count += 1) {
    for (const fault of [{ kind: 'destroy', at: 2 } as const, undefined]) {
      for (const upstream of opened) upstream.fail(fault)
      await chat([user('Tell')], { stream: true })
      await vi.waitFor(() => expect(engine.upstreams.every(({ state }) => state.inFlight === 0)).toBe(true))
    }
  }
  expect(ejected()).toBe(false)
  for (const upstream of opened) upstream.fail({ kind: 'destroy', at: 2 })
  for (let count = 0; count < 6; count += 1) await chat([user('Tell')], { stream: true })
  expect(ejected()).toBe(true)
})
