import { expect, it } from 'vitest'
import { createManualTimers } from '../../../testing/manual-timers.ts'
import { openGateway as open } from '../../../testing/text-servers/gateway-fixture.ts'
import { renderChat } from '../../../testing/text-servers/recital.ts'
import type { SeenStream, TextGateway } from '../../../testing/text-servers/text-gateway.ts'
import { until } from '../../../testing/until.ts'

const patiently = { timeout: 120_000 }
const content = 'Tell of 17'
const ask = { messages: [{ role: 'user', content }], temperature: 0, max_tokens: 500 }

function expectWhole(seen: SeenStream, gateway: TextGateway) {
  expect(seen.text).toBe(gateway.answerTo(content))
  expect(seen.ends).toEqual(['stop', 'done'])
}

/** Streams that each of them was asked for. */
const streams = ({ servers }: TextGateway) =>
  servers.map(({ asked }) => asked.filter(({ body }) => body.stream === true).length)

it('two upstreams whose connections break one after the other write one whole answer', patiently, async () => {
  const gateway = await open(['byIds', 'continues'])
  gateway.servers[0]?.fail({ kind: 'destroy', at: 5 }, 1)
  gateway.servers[1]?.fail({ kind: 'destroy', at: 4 }, 1)
  expectWhole(await gateway.chat(ask), gateway)
  expect(streams(gateway)).toEqual([2, 1])
})

it('the upstream that broke goes on where the other one falls silent', patiently, async () => {
  const timers = createManualTimers()
  const gateway = await open(['continues', 'continues'], { timers })
  gateway.servers[0]?.fail({ kind: 'destroy', at: 5 }, 1)
  gateway.servers[1]?.fail({ kind: 'stall', at: 4 }, 1)
  let events = 0
  const seen = gateway.chat(ask, (now) => {
    events = now.events.length
  })
  // All that comes has come, and the gateway waits for more.
  await until(() => {
    if (events < 9 || gateway.servers[1]?.open !== 1 || timers.size === 0) return false
    timers.fireAll()
    return true
  })
  expectWhole(await seen, gateway)
  expect(streams(gateway)).toEqual([2, 1])
})

it('where the other one is silent from the beginning, the one that broke is tried once more', patiently, async () => {
  const timers = createManualTimers()
  const gateway = await open(['continues', 'continues'], { timers })
  gateway.servers[0]?.fail({ kind: 'ends', at: 0 }, 1)
  gateway.servers[1]?.fail({ kind: 'stall', at: 0 }, 1)
  const seen = gateway.chat(ask)
  await until(() => {
    if (gateway.servers[1]?.open !== 1 || timers.size === 0) return false
    timers.fireAll()
    return true
  })
  expectWhole(await seen, gateway)
  expect(streams(gateway)).toEqual([2, 1])
})

it('a single upstream goes on by itself where its connection broke', patiently, async () => {
  const gateway = await open(['continues'])
  gateway.servers[0]?.fail({ kind: 'destroy', at: 5 }, 1)
  expectWhole(await gateway.chat(ask), gateway)
  expect(streams(gateway)).toEqual([2])
})

it('an answer that breaks each upstream at the same token is asked of none twice', patiently, async () => {
  const gateway = await open(['continues', 'continues'])
  gateway.servers[0]?.fail({ kind: 'ends', at: 5 })
  gateway.servers[1]?.fail({ kind: 'ends', at: 0 })
  const seen = await gateway.chat(ask)
  expect(seen.ends).toEqual(['cut_off'])
  expect(streams(gateway)).toEqual([1, 1])
})

it('one that fails by its own word is not asked again', patiently, async () => {
  const gateway = await open(['continues', 'continues'])
  gateway.servers[0]?.fail({ kind: 'error', at: 5, error: { message: 'CUDA', code: 500 } }, 1)
  gateway.servers[1]?.fail({ kind: 'error', at: 4, error: { message: 'CUDA', code: 500 } }, 1)
  expect((await gateway.chat(ask)).ends).toEqual([500])
  expect(streams(gateway)).toEqual([1, 1])
})

it.each(['llama-cpp-python', 'openai'] as const)(
  'a completion that names no number has sixteen tokens in all, where a server of the kind %s began it',
  patiently,
  async (kind) => {
    const gateway = await open(['byTextAlone', 'byTextAlone'], { kinds: [kind, 'llama-cpp-python'] })
    gateway.servers[0]?.fail({ kind: 'destroy', at: 5 }, 1)
    await gateway.complete({ prompt: renderChat([{ role: 'user', content }]), temperature: 0 })
    expect(gateway.servers[1]?.asked.at(-1)?.body).toMatchObject({ prompt: expect.any(String), max_tokens: 11 })
  },
)
