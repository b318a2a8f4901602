import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { openGateway as open } from '../../../testing/text-servers/gateway-fixture.ts'
import { eventually, until } from '../../../testing/until.ts'

const ask = (content: string) => ({ messages: [{ role: 'user', content }], temperature: 0, max_tokens: 500_000 })
const patiently = { timeout: 300_000 }

describe("the upstreams' health", () => {
  it('counts a stream that was cut off as failed, and one that came to its end as a success', patiently, async () => {
    const gateway = await open(['continues', 'continues'])
    const [first, second] = gateway.engine.upstreams
    const isOut = () => first?.state.ejected(performance.now())
    gateway.servers[0]?.fail({ kind: 'destroy', at: 3 })
    for (let count = 0; count < 4; count += 1) await gateway.chat(ask('Tell'))
    expect(isOut()).toBe(false)
    // A stream that is whole begins the count anew.
    gateway.servers[0]?.fail(undefined)
    await gateway.chat(ask('Tell'))
    gateway.servers[0]?.fail({ kind: 'destroy', at: 3 })
    for (let count = 0; count < 4; count += 1) await gateway.chat(ask('Tell'))
    expect(isOut()).toBe(false)
    await gateway.chat(ask('Tell'))
    expect([isOut(), second?.state.ejected(performance.now())]).toEqual([true, false])
    expect(first?.state.inFlight).toBe(0)
    expect(second?.state.inFlight).toBe(20)
  })

  it('counts an error in a stream only where another upstream answers the same', patiently, async () => {
    const gateway = await open(['continues', 'continues'])
    const error = { kind: 'error', at: 3, error: { message: 'CUDA', code: 500 } } as const
    for (const server of gateway.servers) server.fail(error)
    for (let count = 0; count < 6; count += 1) expect((await gateway.chat(ask('Tell'))).ends).toEqual([500])
    for (const { state } of gateway.engine.upstreams) expect(state.ejected(performance.now())).toBe(false)
    gateway.servers[1]?.fail(undefined)
    for (let count = 0; count < 5; count += 1) expect((await gateway.chat(ask('Tell'))).ends).toEqual(['stop', 'done'])
    expect(gateway.engine.upstreams[0]?.state.ejected(performance.now())).toBe(true)
  })
})

it('moves are counted, by reason and by what became of them', patiently, async () => {
  const gateway = await open(['continues', 'continues'])
  gateway.servers[0]?.fail({ kind: 'destroy', at: 3 })
  await gateway.chat(ask('Tell'))
  gateway.servers[0]?.fail({ kind: 'nonsense', at: 3 })
  await gateway.chat(ask('Tell'))
  gateway.servers[0]?.fail({ kind: 'status', status: 500 })
  await gateway.chat(ask('Tell'))
  for (const server of gateway.servers) server.fail({ kind: 'ends', at: 3 })
  await gateway.chat(ask('Tell'))
  const metrics = await (await fetch(`${gateway.url}/metrics`)).text()
  const lines = metrics.split('\n').filter((line) => line.startsWith('hither_text_moves_total{'))
  const counted = (reason: string, outcome: string, count: number) =>
    `hither_text_moves_total{model="teller",reason="${reason}",outcome="${outcome}"} ${count}`
  expect(lines.sort()).toEqual(
    [
      counted('socket', 'continued', 2),
      counted('nonsense', 'continued', 1),
      counted('status', 'continued', 1),
      counted('socket', 'cut-off', 1),
    ].sort(),
  )
})

describe('a client', () => {
  it('that leaves ends the stream at whichever upstream it is', patiently, async () => {
    const gateway = await open(['continues', 'continues'])
    gateway.servers[0]?.fail({ kind: 'destroy', at: 3 })
    gateway.servers[1]?.fail({ kind: 'stall', at: 2 })
    const leaving = new AbortController()
    const response = await gateway.post('chat/completions', { ...ask('Tell'), stream: true }, leaving.signal)
    const reader = response.body?.getReader()
    await reader?.read()
    await until(() => gateway.servers[1]?.open === 1)
    leaving.abort()
    await reader?.closed.catch(() => {})
    await until(() => gateway.servers[1]?.open === 0)
    await eventually(() => expect(gateway.engine.upstreams.map(({ state }) => state.inFlight)).toEqual([0, 20]))
  })

  it('that reads slowly is written to slowly, also by whoever goes on', patiently, async () => {
    const gateway = await open(['continues', 'continues'], { tokens: 6_000 })
    // Large events fill the buffers on the way soon.
    for (const server of gateway.servers) server.setFingerprint('x'.repeat(8_000))
    gateway.servers[0]?.fail({ kind: 'destroy', at: 3 })
    const all = gateway.servers[0]?.recital.encode(gateway.answerTo('Tell')).length ?? 0
    const body = JSON.stringify({ model: 'teller', ...ask('Tell'), stream: true })
    const { hostname, port } = new URL(gateway.url)
    const socket = connect(Number(port), hostname)
    let received = 0
    socket.on('data', (bytes) => {
      received += bytes.length
    })
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    await until(() => received > 100_000)
    socket.pause()
    // It has written all that the buffers on the way take, and waits: its stream stays open.
    const server = gateway.servers[1]
    let before = -1
    await until(async () => {
      const now = server?.written ?? 0
      const isStill = now === before
      before = now
      await new Promise((resolve) => setTimeout(resolve, 200))
      return isStill
    })
    expect(server?.open).toBe(1)
    expect(server?.written).toBeLessThan(0.8 * all)
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.resume()
    await ended
    // A character of several tokens is one event.
    expect(received).toBeGreaterThan(8_000 * (all / 2))
    expect(server?.open).toBe(0)
  })
})
