import { afterEach, describe, expect, it } from 'vitest'
import type { TensorMap } from '../../contracts/tensor.ts'
import { parseInferRequest } from '../../protocol/infer-request.ts'
import { type FakeUpstream, openFakeUpstream } from '../../testing/fake-upstream.ts'
import { until } from '../../testing/until.ts'
import { createGatewayEngine, type GatewayEngine, type GatewayOptions } from './create-gateway-engine.ts'

const opened: FakeUpstream[] = []
const engines: GatewayEngine[] = []
afterEach(async () => {
  for (const upstream of opened) upstream.release()
  for (const engine of engines.splice(0)) await engine.close()
  for (const upstream of opened.splice(0)) await upstream.stop()
})

async function upstream(options?: Parameters<typeof openFakeUpstream>[0]): Promise<FakeUpstream> {
  const one = await openFakeUpstream(options)
  opened.push(one)
  return one
}

/** A gateway before these upstreams; its checks come at once, so that a test need not wait for them. */
async function gateway(upstreams: readonly { readonly url: string }[], options: Partial<GatewayOptions> = {}) {
  const engine = await createGatewayEngine({
    upstreams: upstreams.map(({ url }) => url),
    checkEveryMs: 25,
    random: () => 0,
    ...options,
  })
  engines.push(engine)
  return engine
}

const never = new AbortController().signal
const inputs: TensorMap = { x: { type: 'float32', dims: [2], data: new Float32Array([1, 2]) } }

async function run(engine: GatewayEngine, more: Partial<Parameters<GatewayEngine['infer']>[0]> = {}, signal = never) {
  const model = await engine.find('copy')
  return engine.infer({ model, inputs, parameters: {}, ...more }, signal)
}

/** Runs one after the other; the codes of those that failed. */
async function runMany(engine: GatewayEngine, count: number): Promise<string[]> {
  const codes: string[] = []
  for (let index = 0; index < count; index += 1) {
    await run(engine).catch((error: { code: string }) => codes.push(error.code))
  }
  return codes
}

const runsOf = (upstreams: readonly FakeUpstream[]) => upstreams.reduce((sum, one) => sum + one.runs().length, 0)

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

describe('an upstream', () => {
  it.each([
    ['dies before its answer', { kind: 'dies' }],
    ['dies in the middle of its answer', { kind: 'half' }],
    ['answers 500', { kind: 'status', status: 500 }],
    ['answers 503', { kind: 'status', status: 503 }],
    ['answers 502', { kind: 'status', status: 502 }],
  ] as const)('that %s costs no request, and gets few more', async (_, fault) => {
    const [bad, good] = [await upstream(), await upstream()]
    const engine = await gateway([bad, good])
    bad.fail(fault)
    expect(await runMany(engine, 30)).toEqual([])
    expect(good.runs()).toHaveLength(30)
    expect(bad.runs().length).toBeLessThanOrEqual(6)
  })

  it('that closed a kept connection is asked again on a new one, even when it is the only one', async () => {
    const one = await upstream()
    const engine = await gateway([one])
    await run(engine)
    one.fail({ kind: 'dies' })
    const error: unknown = await run(engine).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'cloud-unreachable' })
    expect(one.runs()).toHaveLength(3)
    one.fail(undefined)
    expect(await runMany(engine, 1)).toEqual([])
  })

  it('that takes too long gives cloud-timeout, and nothing is tried again', async () => {
    const both = [await upstream(), await upstream()]
    const engine = await gateway(both, { now: () => 0 })
    for (const one of both) one.fail({ kind: 'waits' })
    await expect(run(engine, { deadlineAtMs: 60 })).rejects.toMatchObject({ code: 'cloud-timeout' })
    expect(runsOf(both)).toBe(1)
  })

  it('is not blamed for a request that fails everywhere', async () => {
    const both = [await upstream(), await upstream()]
    const engine = await gateway(both)
    for (const one of both) one.fail({ kind: 'status', status: 500 })
    expect(await runMany(engine, 8)).toEqual(Array(8).fill('cloud-failed'))
    for (const one of both) one.fail(undefined)
    await runMany(engine, 4)
    expect(both.every((one) => one.runs().length > 4)).toBe(true)
    expect(engine.upstreams.some(({ state }) => state.ejected(performance.now()))).toBe(false)
  })

  it.each([400, 401, 404, 422])('that answers %i is not asked again, and another is not either', async (status) => {
    const both = [await upstream(), await upstream()]
    const engine = await gateway(both)
    await run(engine)
    for (const one of both) one.fail({ kind: 'status', status })
    const before = runsOf(both)
    const error: unknown = await run(engine).catch((thrown: unknown) => thrown)
    const expected = {
      400: 'cloud-refused',
      422: 'cloud-refused',
      401: 'cloud-bad-response',
      404: 'cloud-model-missing',
    }
    expect(error).toMatchObject({ code: expected[status as 400] })
    // Another upstream may have the model, or know the gateway; none takes a request that is wrong.
    const tries = runsOf(both) - before
    expect(tries).toBe(status === 404 || status === 401 ? 2 : 1)
  })

  it('that is gone is found out by the checks, and taken back when it is there again', async () => {
    const [one, other] = [await upstream(), await upstream()]
    const engine = await gateway([one, other])
    await one.stop()
    await until(() => engine.usable().length === 1)
    expect(await runMany(engine, 4)).toEqual([])
    await other.stop()
    await until(() => !engine.ready)
    await expect(run(engine)).rejects.toMatchObject({ code: 'cloud-overloaded' })
    await one.start()
    await until(() => engine.ready)
    expect(await runMany(engine, 2)).toEqual([])
  })

  it('that says it is not ready gets nothing', async () => {
    const [one, other] = [await upstream(), await upstream()]
    one.setReady(false)
    const engine = await gateway([one, other])
    await runMany(engine, 3)
    expect([one.runs().length, other.runs().length]).toEqual([0, 3])
    one.setReady(true)
    await until(() => engine.usable().length === 2)
  })

  it('does not hold the gateway up when it is not there at the start', async () => {
    const one = await upstream()
    const { url } = one
    await one.stop()
    const engine = await gateway([{ url }])
    expect(engine.ready).toBe(false)
    await one.start()
    await until(() => engine.ready)
    expect(await runMany(engine, 1)).toEqual([])
  })
})

describe('the retries', () => {
  it('are few when all upstreams fail: a fallen platform does not get twice the load', async () => {
    const both = [await upstream(), await upstream()]
    const engine = await gateway(both)
    await run(engine)
    for (const one of both) one.fail({ kind: 'status', status: 503 })
    const before = runsOf(both)
    const codes = await runMany(engine, 60)
    expect(codes).toHaveLength(60)
    const extra = runsOf(both) - before - 60
    expect(extra).toBeGreaterThan(0)
    expect(extra).toBeLessThanOrEqual(10 + 60 * 0.2)
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
