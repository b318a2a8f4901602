import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createRecitingEdge, type RecitingEdge } from '../../testing/reciting-edge.ts'
import { textBehaviours } from '../../testing/text-servers/behaviours.ts'
import { type FakeTextServer, openFakeTextServer, type TextFault } from '../../testing/text-servers/fake-text-server.ts'
import { createRecital, renderChat, splitAnswer } from '../../testing/text-servers/recital.ts'
import { openTextWriterFixture, type TextWriterFixture, tokenizerSha256 } from '../../testing/text-writer-fixture.ts'
import { until } from '../../testing/until.ts'
import type { EndpointOptions } from '../types/client-options.ts'
import type { WritingPart } from '../types/generate-types.ts'

const recital = createRecital()
const servers: FakeTextServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

type Kind = keyof typeof textBehaviours
/** Those that go on with an answer that another one has begun. */
const goingOn: readonly Kind[] = ['byIds', 'hither', 'byText', 'continues', 'trailing', 'losesBlanks', 'echoes']

async function openServer(kind: Kind): Promise<FakeTextServer> {
  const hither = { continues: ['token-ids', 'continue-final-message'], trims: false, tokenizerSha256 }
  const entry = kind === 'hither' ? { hither } : {}
  const server = await openFakeTextServer({ behaviour: textBehaviours[kind], recital, entry })
  servers.push(server)
  return server
}

interface Opened extends TextWriterFixture {
  readonly device: RecitingEdge
  readonly server: FakeTextServer
  readonly cloud: { readonly arm: 'cloud'; readonly endpoint: string }
}
const edge = { arm: 'edge' } as const

/** A device and an endpoint with the same model. */
async function open(kind: Kind, endpoint: Partial<EndpointOptions> = {}): Promise<Opened> {
  const server = await openServer(kind)
  const device = createRecitingEdge(recital)
  const endpoints = [{ url: server.url, kind: 'openai', probe: true, ...endpoint } as const]
  const encode = async (text: string) => recital.encode(text)
  const fixture = openTextWriterFixture({ edge: device.edge, endpoints, encode })
  return { ...fixture, device, server, cloud: { arm: 'cloud', endpoint: server.url } }
}

const chat = (about: unknown) => ({ messages: [{ role: 'user' as const, content: `Tell of ${about}` }] })
const answerTo = (input: ReturnType<typeof chat>) => recital.answer(splitAnswer(renderChat(input.messages)).prompt)
const movesOf = (parts: readonly WritingPart[]) => parts.flatMap((part) => (part.type === 'moved' ? [part] : []))
/** Requests for an answer, and not for a probe. */
const answersOf = ({ asked }: FakeTextServer) => asked.filter(({ body }) => body.stream === true)

describe('the endpoint dies in the midst, and this device goes on (case 55)', () => {
  const faults = ['destroy', 'half', 'ends', 'error', 'nonsense'] as const
  it.each(goingOn)('%s', async (kind) => {
    const { conduct, server, cloud } = await open(kind)
    const cases = fc.tuple(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 60 }), fc.constantFrom(...faults))
    await fc.assert(
      fc.asyncProperty(cases, async ([about, at, fault]) => {
        const input = chat(about)
        server.fail({ kind: fault, at, error: { message: 'gone' } } as TextFault)
        const { shown, end, state, parts } = await conduct(input, cloud, { fallbacks: [edge] })
        const { reason } = await end
        expect(shown()).toBe(answerTo(input))
        expect(state.text).toBe(shown())
        expect(reason).toBe('stop')
        expect(movesOf(parts).length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 20 },
    )
  })
})

describe('the worker dies in the midst, and the endpoint goes on (case 54)', () => {
  it.each(goingOn)('%s', async (kind) => {
    const { conduct, device, cloud, server } = await open(kind)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 60 }), async (about, at) => {
        const input = chat(about)
        device.fail({ kind: 'dies', at })
        const { shown, end, parts } = await conduct(input, edge, { fallbacks: [cloud] })
        await end
        expect(shown()).toBe(answerTo(input))
        expect(movesOf(parts)).toMatchObject([{ from: 'edge', to: 'cloud', reason: 'failed', error: 'edge-crashed' }])
      }),
      { numRuns: 20 },
    )
    expect(answersOf(server).length).toBe(20)
  })
})

it('back and forth: each arm dies where the other one has gone on, and no character is lost (case 54)', async () => {
  const { conduct, device, cloud, server } = await open('byIds')
  const input = chat('a long way')
  device.fail({ kind: 'dies', at: 5 }, { kind: 'dies', at: 4 })
  server.fail({ kind: 'destroy', at: 6 })
  const { shown, end, parts } = await conduct(input, edge, {
    fallbacks: [cloud],
    onPart(part) {
      if (part.type === 'moved' && part.to === 'edge') server.fail(undefined)
    },
  })
  await end
  expect(shown()).toBe(answerTo(input))
  expect(movesOf(parts)).toMatchObject([{ to: 'cloud', atToken: 5 }, { to: 'edge' }, { to: 'cloud' }])
})

it.each(['byText', 'byIds', 'trailing'] as const)(
  'a stop string and the limit count over the whole, wherever it is cut: %s (case 59)',
  async (kind) => {
    const { conduct, device, cloud } = await open(kind)
    const input = chat('stops')
    const whole = answerTo(input)
    const ids = recital.encode(whole)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: whole.length - 9 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: ids.length - 1 }),
        fc.boolean(),
        async (from, length, at, isLimit) => {
          const stop = [...whole.slice(from, from + length)].join('')
          fc.pre(!/[\ud800-\udfff]/.test(stop.charAt(0) + stop.charAt(stop.length - 1)))
          device.fail({ kind: 'dies', at })
          const most = Math.max(1, Math.floor(ids.length / 2))
          const request = isLimit ? { maxTokens: most } : { stops: [stop] }
          const { shown, end } = await conduct(input, edge, { fallbacks: [cloud], request })
          const { reason } = await end
          if (!isLimit) expect([shown(), reason]).toEqual([whole.slice(0, whole.indexOf(stop)), 'stop'])
          else if (kind === 'byIds') {
            expect(shown().replace(/\ufffd+$/, '')).toBe(recital.decode(ids.slice(0, most)).replace(/\ufffd+$/, ''))
            expect(reason).toBe('length')
          } else expect(whole.startsWith(shown().replace(/\ufffd+$/, ''))).toBe(true)
        },
      ),
      { numRuns: 25 },
    )
  },
)

describe('a stall', () => {
  const stalled = async (kind: Kind) => {
    const opened = await open(kind)
    const input = chat('a stall')
    opened.server.fail({ kind: 'stall', at: 9 })
    const answer = await opened.conduct(input, opened.cloud, { fallbacks: [edge] })
    await until(() => answer.state.tokens === 9)
    return { ...opened, ...answer, input }
  }

  it('this device reads ahead when one is likely, and goes on when it is one; the arm has failed (case 55)', async () => {
    const { clock, device, end, shown, input, parts, log, server } = await stalled('byIds')
    while (device.readAhead === 0) {
      clock.pass(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(movesOf(parts)).toEqual([])
    await until(() => device.open === 0)
    while (movesOf(parts).length === 0) {
      clock.pass(200)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await end
    expect(shown()).toBe(answerTo(input))
    expect(movesOf(parts)).toMatchObject([{ from: 'cloud', to: 'edge', reason: 'stalled', atToken: 9 }])
    expect(log.attempts()).toMatchObject([
      { arm: 'cloud', result: 'failed', error: 'stalled' },
      { arm: 'edge', result: 'answered' },
    ])
    expect(log.wastedTokens).toBe(0)
    // Nobody hears of the endpoint any more.
    await until(() => server.open === 0)
  })

  it('who speaks again before the other one has begun goes on itself, and the other one is aborted', async () => {
    const { conduct, device, server, cloud } = await open('byIds')
    const input = chat('a pause')
    server.fail({ kind: 'stall', at: 0 })
    let isSilent = false
    let tokens = 0
    const { clock, end, shown, parts, log } = await conduct(input, edge, {
      fallbacks: [cloud],
      onPart(part) {
        tokens += part.type === 'text' ? part.tokens : 0
        if (tokens >= 7 && !isSilent) device.hold(true)
        isSilent ||= tokens >= 7
      },
    })
    await until(() => isSilent)
    while (answersOf(server).length === 0) {
      clock.pass(500)
      await new Promise((resolve) => setImmediate(resolve))
    }
    device.hold(false)
    await end
    expect(shown()).toBe(answerTo(input))
    expect(movesOf(parts)).toEqual([])
    expect(log.attempts()).toMatchObject([
      { arm: 'edge', result: 'answered' },
      { arm: 'cloud', result: 'lost' },
    ])
    await until(() => server.open === 0)
  })
})

it('a race for the first token: who begins first goes on, the other one is aborted and its tokens counted', async () => {
  const { conduct, device, cloud, server } = await open('hither')
  const input = chat('a race')
  device.hold(true)
  const { end, shown, log, parts } = await conduct(input, edge, { second: { ...cloud, afterMs: 0 }, fallbacks: [cloud] })
  await end
  device.hold(false)
  expect(shown()).toBe(answerTo(input))
  expect(movesOf(parts)).toEqual([])
  expect(log.attempts()).toMatchObject([
    { arm: 'edge', result: 'lost' },
    { arm: 'cloud', result: 'answered' },
  ])
  expect(log.wastedTokens).toBeGreaterThan(0)
  expect(log.first).toMatchObject(cloud)
  await until(() => device.open === 0)
  expect(answersOf(server)).toHaveLength(1)
})

it('offline while the endpoint writes: this device goes on at once, and the endpoint is not at fault', async () => {
  const { conduct, cloud, server, setOnline } = await open('byIds')
  const input = chat('the sea')
  server.fail({ kind: 'stall', at: 6 })
  const { end, shown, state, parts, log } = await conduct(input, cloud, { fallbacks: [edge] })
  await until(() => state.tokens === 6)
  setOnline(false)
  await end
  expect(shown()).toBe(answerTo(input))
  expect(movesOf(parts)).toMatchObject([{ reason: 'offline', to: 'edge' }])
  expect(log.attempts()[0]).toMatchObject({ arm: 'cloud', result: 'answered' })
})

it('edge-only: the worker dies again and again, and no endpoint is asked for anything (case 60)', async () => {
  const { conduct, device, server } = await open('byIds')
  const before = server.paths.length
  device.fail({ kind: 'dies', at: 3 }, { kind: 'dies', at: 5 })
  const input = chat('a secret')
  const { end, shown, parts } = await conduct(input, edge, { privacy: 'edge-only' })
  await end
  expect(shown()).toBe(answerTo(input))
  expect(movesOf(parts)).toMatchObject([{ from: 'edge', to: 'edge' }, { from: 'edge', to: 'edge' }])
  expect(server.paths.length).toBe(before)
})

it('cloud-only: the socket is cut again and again, and this device writes nothing', async () => {
  const { conduct, device, server, cloud } = await open('byIds')
  const input = chat('the cloud')
  server.fail({ kind: 'destroy', at: 4 })
  const { end, shown, parts } = await conduct(input, cloud, {
    privacy: 'cloud-only',
    onPart(part) {
      if (part.type === 'moved') server.fail(undefined)
    },
  })
  await end
  expect(shown()).toBe(answerTo(input))
  expect(new Set(movesOf(parts).map((part) => `${part.from} ${part.to}`))).toEqual(new Set(['cloud cloud']))
  expect(device.asked).toHaveLength(0)
})

it.each(['ignores', 'refuses'] as const)(
  'an endpoint that can’t go on is never asked to: %s; the same device once more (case 58)',
  async (kind) => {
    const { conduct, device, server, cloud } = await open(kind)
    const input = chat('nobody')
    device.fail({ kind: 'dies', at: 6 })
    const { end, shown } = await conduct(input, edge, { fallbacks: [cloud] })
    await end
    expect(shown()).toBe(answerTo(input))
    expect(answersOf(server)).toHaveLength(0)
  },
)

it('an endpoint that can’t go on may begin anew where the caller allows it, and what was shown counts no more', async () => {
  const { conduct, device, cloud } = await open('ignores')
  const input = chat('anew')
  device.fail({ kind: 'fails', at: 6 })
  const { end, shown, parts, log } = await conduct(input, edge, { fallbacks: [cloud], restart: true })
  await end
  expect(shown()).toBe(answerTo(input))
  expect(movesOf(parts)).toMatchObject([{ to: 'cloud', restarted: true }])
  expect(log.wastedTokens).toBe(6)
})

it('handover never, or another model: what fails is cut off; any: another model goes on', async () => {
  const { conduct, device, cloud, server } = await open('byIds', { models: { teller: { id: 'teller', isOther: true } } })
  const input = chat('others')
  for (const handover of ['never', 'same-model'] as const) {
    device.fail({ kind: 'fails', at: 4 })
    const { end } = await conduct(input, edge, { fallbacks: [cloud], handover })
    await expect(end).rejects.toMatchObject({ code: 'edge-run-failed' })
  }
  expect(answersOf(server)).toHaveLength(0)
  device.fail({ kind: 'fails', at: 4 })
  const { end, shown } = await conduct(input, edge, { fallbacks: [cloud], handover: 'any' })
  await end
  expect(shown()).toBe(answerTo(input))
})

it('an endpoint that is too busy, or answers with a page: this device begins instead', async () => {
  const { conduct, cloud, server } = await open('byIds')
  for (const fault of [{ kind: 'status', status: 429, headers: { 'Retry-After': '5' } }, { kind: 'html' }] as const) {
    server.fail(fault)
    const input = chat(fault.kind)
    const { end, shown, log, parts } = await conduct(input, cloud, { fallbacks: [edge] })
    await end
    expect(shown()).toBe(answerTo(input))
    expect(movesOf(parts)).toEqual([])
    expect(log.attempts()).toMatchObject([{ arm: 'cloud', result: 'failed' }, { arm: 'edge', result: 'answered' }])
    expect(log.reason).toBe('cloud-failed')
  }
})

it('an abort ends all that is under way, and rejects with its reason', async () => {
  const { conduct, device, cloud, server } = await open('byIds')
  device.hold(true)
  server.fail({ kind: 'stall', at: 0 })
  const { end, abort } = await conduct(chat('enough'), edge, { second: { ...cloud, afterMs: 0 } })
  await until(() => answersOf(server).length === 1 && device.open === 1)
  const reason = new Error('enough')
  abort(reason)
  await expect(end).rejects.toBe(reason)
  device.hold(false)
  await until(() => device.open === 0 && server.open === 0)
})
