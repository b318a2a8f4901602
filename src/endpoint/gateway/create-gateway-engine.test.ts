import { afterEach, describe, expect, it } from 'vitest'
import { parseInferRequest } from '../../protocol/infer/infer-request.ts'
import {
  createGatewayFixture,
  gatewayInputs as inputs,
  runCopy as run,
  runMany,
} from '../../testing/gateway-fixture.ts'
import { until } from '../../testing/until.ts'
import { createGatewayEngine } from './create-gateway-engine.ts'

const { upstream, gateway, close } = createGatewayFixture()
afterEach(close)

const never = new AbortController().signal

describe('a request', () => {
  it('goes to an upstream and comes back, with what the upstream is to know', async () => {
    const one = await upstream()
    const engine = await gateway([one], { token: 'gateway-secret' })
    const result = await run(engine, {
      id: 'seven',
      parameters: { priority: 1, binary_data_output: true, timeout: 5 },
      outputs: ['y'],
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })
    expect(result.outputs.y).toEqual(inputs.x)
    expect(result).toMatchObject({ queueMs: expect.any(Number), computeMs: expect.any(Number), loadMs: 0, batch: 1 })
    const [sent] = one.runs()
    expect(sent?.path).toBe('/v2/models/copy/infer')
    expect(sent?.headers).toMatchObject({
      authorization: 'Bearer gateway-secret',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })
    const asked = parseInferRequest(sent?.body ?? new Uint8Array())
    expect(asked).toMatchObject({ id: 'seven', outputs: [{ name: 'y' }], parameters: { priority: 1 } })
    expect(asked.parameters).not.toHaveProperty('timeout')
  })

  it('asks for a version only where one was asked for', async () => {
    const one = await upstream({ versions: ['2', '10'] })
    const engine = await gateway([one])
    expect((await engine.find('copy')).version).toBe('10')
    const model = await engine.find('copy', '2')
    await engine.infer({ model, inputs, parameters: {} }, never)
    expect(one.runs()[0]?.path).toBe('/v2/models/copy/versions/2/infer')
    await expect(engine.find('copy', '3')).rejects.toMatchObject({ code: 'cloud-model-missing' })
    await expect(engine.find('none')).rejects.toMatchObject({ code: 'cloud-model-missing' })
  })

  it('goes on without an input that the model describes: it may be optional', async () => {
    const one = await upstream()
    const engine = await gateway([one])
    await run(engine, { inputs: { other: { type: 'uint8', dims: [1], data: new Uint8Array([7]) } } })
    expect(one.runs()).toHaveLength(1)
  })

  it('goes to the upstream that has its model', async () => {
    const [other, one] = [await upstream({ models: ['other'] }), await upstream()]
    const engine = await gateway([other, one])
    await run(engine)
    await run(engine)
    expect([other.runs().length, one.runs().length]).toEqual([0, 2])
    expect((await engine.models()).map(({ name }) => name)).toEqual(['other', 'copy'])
  })

  it("ends with the signal's reason, and the upstream is let go", async () => {
    const one = await upstream()
    const engine = await gateway([one])
    one.fail({ kind: 'waits' })
    const controller = new AbortController()
    const gone = expect(run(engine, {}, controller.signal)).rejects.toBe('gone')
    await until(() => one.held === 1)
    controller.abort('gone')
    await gone
    await until(() => one.held === 0)
    expect(one.runs()).toHaveLength(1)
  })
})

describe('balancing', () => {
  it('sends each request where the fewest are under way', async () => {
    const both = [await upstream(), await upstream()]
    const engine = await gateway(both)
    for (const one of both) one.fail({ kind: 'waits' })
    const runs = Array.from({ length: 6 }, () => run(engine))
    await until(() => both.every(({ held }) => held === 3))
    for (const one of both) one.release()
    await Promise.all(runs)
  })

  it('leaves a slow upstream to what it has', async () => {
    const [slow, fast] = [await upstream(), await upstream()]
    const engine = await gateway([slow, fast])
    slow.fail({ kind: 'waits' })
    const first = run(engine)
    await until(() => slow.held + fast.runs().length === 1)
    expect(await runMany(engine, 5)).toEqual([])
    expect(slow.runs().length).toBeLessThanOrEqual(1)
    slow.release()
    await first
  })

  it('keeps the steps of a sequence at one upstream, and repeats none of them', async () => {
    const both = [await upstream(), await upstream()]
    const engine = await gateway(both)
    for (let step = 0; step < 4; step += 1) await run(engine, { parameters: { sequence_id: 42 } })
    expect(both.map((one) => one.runs().length).sort()).toEqual([0, 4])
    const home = both.find((one) => one.runs().length > 0)
    home?.fail({ kind: 'dies' })
    await expect(run(engine, { parameters: { sequence_id: 42 } })).rejects.toMatchObject({ code: 'cloud-unreachable' })
    expect(both.map((one) => one.runs().length).sort()).toEqual([0, 5])
  })

  it('refuses at once what is more than the upstreams are given, and says when to come again', async () => {
    const one = await upstream()
    const engine = await gateway([one], { maxInFlight: 2 })
    await run(engine)
    one.fail({ kind: 'waits' })
    const runs = [run(engine), run(engine)]
    await until(() => one.held === 2)
    await expect(run(engine)).rejects.toMatchObject({
      code: 'cloud-overloaded',
      context: { retryAfterMs: expect.any(Number) },
    })
    one.release()
    await Promise.all(runs)
  })

  it('refuses what can not be done by its deadline while others are under way', async () => {
    const one = await upstream()
    let clock = 0
    const engine = await gateway([one], { now: () => clock })
    one.fail({ kind: 'waits' })
    const first = run(engine)
    await until(() => one.held === 1)
    clock = 500
    one.release()
    await first
    const second = run(engine)
    await until(() => one.held === 1)
    await expect(run(engine, { deadlineAtMs: clock + 400 })).rejects.toMatchObject({ code: 'cloud-overloaded' })
    const third = run(engine, { deadlineAtMs: clock + 20_000 })
    await until(() => one.held === 2)
    one.release()
    await Promise.all([second, third])
  })
})

describe('the rest of the engine', () => {
  it('loads and unloads at every upstream', async () => {
    const both = [await upstream(), await upstream()]
    const engine = await gateway(both)
    await engine.load('copy')
    await engine.unload('copy')
    for (const one of both) {
      expect(one.asked.map(({ path }) => path)).toEqual(
        expect.arrayContaining(['/v2/repository/models/copy/load', '/v2/repository/models/copy/unload']),
      )
    }
  })

  it('tells its capacity from what it has seen', async () => {
    const both = [await upstream(), await upstream()]
    const engine = await gateway(both, { workersEach: 2 })
    expect(await engine.capacity()).toEqual({ workers: 4, busy: 0, waiting: 0, waitMs: 0, models: [] })
    await runMany(engine, 3)
    for (const one of both) one.fail({ kind: 'waits' })
    const runs = Array.from({ length: 6 }, () => run(engine))
    await until(() => both.every(({ held }) => held === 3))
    const capacity = await engine.capacity()
    expect(capacity).toMatchObject({ workers: 4, busy: 4, waiting: 2 })
    expect(capacity.waitMs).toBeGreaterThan(0)
    expect(capacity.models).toEqual([
      {
        name: 'copy',
        version: '1',
        waiting: 0,
        runs: 3,
        serviceMs: { mean: expect.any(Number), p95: expect.any(Number) },
        predictedMs: expect.any(Number),
      },
    ])
    for (const one of both) one.release()
    await Promise.all(runs)
  })

  it('finishes what is under way before it closes', async () => {
    const one = await upstream()
    const engine = await gateway([one])
    one.fail({ kind: 'waits' })
    const last = run(engine)
    await until(() => one.held === 1)
    const closed = engine.close()
    one.release()
    await closed
    expect((await last).outputs.y).toEqual(inputs.x)
  })

  it.each([[[]], [['http://a', 'http://a/']], [['ftp://a']]])('refuses the upstreams %j', async (upstreams) => {
    await expect(createGatewayEngine({ upstreams })).rejects.toMatchObject({ code: 'config-invalid' })
  })
})
