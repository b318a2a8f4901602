import { afterEach, describe, expect, it } from 'vitest'
import { createGatewayFixture, runCopy as run, runMany, runsOf } from '../../testing/gateway-fixture.ts'
import { until } from '../../testing/until.ts'

const { upstream, gateway, close } = createGatewayFixture()
afterEach(close)

describe('an upstream', () => {
  it.each([
    ['dies before its answer', { kind: 'dies' }],
    ['dies in the middle of its answer', { kind: 'half' }],
    ['answers 500', { kind: 'status', status: 500 }],
    ['answers 503', { kind: 'status', status: 503 }],
    ['answers 502', { kind: 'status', status: 502 }],
  ] as const)('that %s costs no request, and gets few more', async (_, fault) => {
    const [bad, good] = [await upstream(), await upstream()]
    // The gateway's clock stands still: an upstream that is set aside stays so, however slow this machine is.
    const engine = await gateway([bad, good], { now: () => 0 })
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

  it('that lost its model costs no retry', async () => {
    const all = [await upstream(), await upstream(), await upstream()]
    const engine = await gateway(all)
    await run(engine)
    // The one that has answered is the last choice among idle ones: no time is known of the others.
    const keeping = all.find((one) => one.runs().length > 0)
    for (const one of all) if (one !== keeping) one.fail({ kind: 'status', status: 404 })
    expect(await runMany(engine, 1)).toEqual([])
    expect(runsOf(all)).toBe(4)
  })

  it('that takes too long gives cloud-timeout, and nothing is tried again', async () => {
    const both = [await upstream(), await upstream()]
    const engine = await gateway(both, { now: () => 0 })
    for (const one of both) one.fail({ kind: 'waits' })
    await expect(run(engine, { deadlineAtMs: 500 })).rejects.toMatchObject({ code: 'cloud-timeout' })
    // None where this machine takes longer than the deadline to send one.
    expect(runsOf(both)).toBeLessThanOrEqual(1)
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
