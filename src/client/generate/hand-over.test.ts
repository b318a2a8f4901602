import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  answersOf,
  answerTo,
  chatAbout,
  edge,
  goingOn,
  movesOf,
  openHandOver,
  recital,
} from '../../testing/hand-over-fixture.ts'
import type { TextFault } from '../../testing/text-servers/fake-text-server.ts'

describe('the endpoint dies in the midst, and this device goes on (case 55)', () => {
  const faults = ['destroy', 'half', 'ends', 'error', 'nonsense'] as const
  it.each(goingOn)('%s', async (kind) => {
    const { conduct, server, cloud } = await openHandOver(kind)
    const cases = fc.tuple(
      fc.integer({ min: 0, max: 999 }),
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(...faults),
    )
    await fc.assert(
      fc.asyncProperty(cases, async ([about, at, fault]) => {
        const input = chatAbout(about)
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
    const { conduct, device, cloud, server } = await openHandOver(kind)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 1, max: 60 }), async (about, at) => {
        const input = chatAbout(about)
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

it.each([
  [1, 'edge'],
  [20_000, 'cloud'],
] as const)(
  'the worker dies and its model is loaded anew in %i ms: the one that is sooner goes on, %s',
  async (reloadMs, to) => {
    const { conduct, device, cloud } = await openHandOver('byIds', {}, { reloadMs, roundTripMs: 6_000 })
    const input = chatAbout('loading')
    device.fail({ kind: 'dies', at: 6 })
    const { shown, end, parts } = await conduct(input, edge, { fallbacks: [cloud] })
    await end
    expect(shown()).toBe(answerTo(input))
    expect(movesOf(parts)).toMatchObject([{ from: 'edge', to, reason: 'failed' }])
  },
)

it('back and forth: each arm dies where the other one has gone on, and no character is lost (case 54)', async () => {
  const { conduct, device, cloud, server } = await openHandOver('byIds')
  const input = chatAbout('a long way')
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
  'a stop string and the limit count over the whole, wherever it is cut, both ways: %s (case 59)',
  async (kind) => {
    const { conduct, device, cloud, server } = await openHandOver(kind)
    const input = chatAbout('stops')
    const whole = answerTo(input)
    const ids = recital.encode(whole)
    /** Tokens up to this character. */
    const tokensTo = (character: number) =>
      ids.findIndex((_, count) => recital.decode(ids.slice(0, count)).length > character)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: whole.length - 9 }),
        fc.integer({ min: 2, max: 8 }),
        fc.constantFrom('stop', 'almost', 'limit'),
        fc.boolean(),
        fc.constantFrom('to cloud', 'to edge', 'to the same cloud'),
        async (from, length, what, isWithin, way) => {
          const stop = [...whole.slice(from, from + length)].join('')
          fc.pre(!/[\ud800-\udfff]/.test(stop.charAt(0) + stop.charAt(stop.length - 1)))
          // Who has not read a conversation knows no text that it is for completions.
          fc.pre(kind !== 'byText' || way !== 'to the same cloud')
          // Within the stop string, or anywhere before it.
          const at = Math.max(1, isWithin ? tokensTo(from) : Math.floor(tokensTo(from) / 2))
          device.fail(way === 'to cloud' ? { kind: 'dies', at } : undefined)
          server.fail(way === 'to cloud' ? undefined : { kind: 'destroy', at }, 1)
          const most = Math.max(1, Math.floor(ids.length / 2))
          // What begins like a stop string and is none is held back for a while, and shown then.
          const stops = what === 'stop' ? [stop] : [`${stop}\u2603`]
          const request = what === 'limit' ? { maxTokens: most } : { stops }
          const { shown, end } = await conduct(input, way === 'to cloud' ? edge : cloud, {
            ...(way === 'to the same cloud'
              ? { privacy: 'cloud-only' }
              : { fallbacks: [way === 'to edge' ? edge : cloud] }),
            request,
          })
          const { reason } = await end
          if (what === 'stop') expect([shown(), reason]).toEqual([whole.slice(0, whole.indexOf(stop)), 'stop'])
          else if (what === 'almost') expect([shown(), reason]).toEqual([whole, 'stop'])
          else if (kind === 'byIds') {
            expect(shown().replace(/\ufffd+$/, '')).toBe(recital.decode(ids.slice(0, most)).replace(/\ufffd+$/, ''))
            expect(reason).toBe('length')
          } else expect(whole.startsWith(shown().replace(/\ufffd+$/, ''))).toBe(true)
        },
      ),
      { numRuns: 180 },
    )
  },
)

it('edge-only: the worker dies again and again, and no endpoint is asked for anything (case 60)', async () => {
  const { conduct, device, server } = await openHandOver('byIds')
  const before = server.paths.length
  device.fail({ kind: 'dies', at: 3 }, { kind: 'dies', at: 5 })
  const input = chatAbout('a secret')
  const { end, shown, parts } = await conduct(input, edge, { privacy: 'edge-only' })
  await end
  expect(shown()).toBe(answerTo(input))
  expect(movesOf(parts)).toMatchObject([
    { from: 'edge', to: 'edge' },
    { from: 'edge', to: 'edge' },
  ])
  expect(server.paths.length).toBe(before)
})

it('cloud-only: the socket is cut again and again, and this device writes nothing', async () => {
  const { conduct, device, server, cloud } = await openHandOver('byIds')
  const input = chatAbout('the cloud')
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
    const { conduct, device, server, cloud } = await openHandOver(kind)
    const input = chatAbout('nobody')
    device.fail({ kind: 'dies', at: 6 })
    const { end, shown } = await conduct(input, edge, { fallbacks: [cloud] })
    await end
    expect(shown()).toBe(answerTo(input))
    expect(answersOf(server)).toHaveLength(0)
  },
)

it('an endpoint that can’t go on may begin anew where the caller allows it, and what was shown counts no more', async () => {
  const { conduct, device, cloud } = await openHandOver('ignores')
  const input = chatAbout('anew')
  device.fail({ kind: 'fails', at: 6 })
  const { end, shown, parts, log } = await conduct(input, edge, { fallbacks: [cloud], restart: true })
  await end
  expect(shown()).toBe(answerTo(input))
  expect(movesOf(parts)).toMatchObject([{ to: 'cloud', restarted: true }])
  expect(log.wastedTokens).toBe(6)
})

it('handover never, or another model: what fails is cut off; any: another model goes on', async () => {
  const { conduct, device, cloud, server } = await openHandOver('byIds', {
    models: { teller: { id: 'teller', isOther: true } },
  })
  const input = chatAbout('others')
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
  const { conduct, cloud, server } = await openHandOver('byIds')
  for (const fault of [{ kind: 'status', status: 429, headers: { 'Retry-After': '5' } }, { kind: 'html' }] as const) {
    server.fail(fault)
    const input = chatAbout(fault.kind)
    const { end, shown, log, parts } = await conduct(input, cloud, { fallbacks: [edge] })
    await end
    expect(shown()).toBe(answerTo(input))
    expect(movesOf(parts)).toEqual([])
    expect(log.attempts()).toMatchObject([
      { arm: 'cloud', result: 'failed' },
      { arm: 'edge', result: 'answered' },
    ])
    expect(log.reason).toBe('cloud-failed')
  }
})
