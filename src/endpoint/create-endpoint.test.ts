import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createCloudArm } from '../cloud/create-cloud-arm.ts'
import type { TensorData, TensorMap } from '../contracts/tensor.ts'
import type { Capacity } from '../protocol/server/capacity.ts'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { heldNumber } from '../testing/hold-runs.ts'

const patiently = { timeout: 50_000, interval: 5 }
let fixture: EndpointFixture
beforeAll(async () => {
  fixture = await openEndpointFixture()
})
afterAll(() => fixture.close())

const row = (name: string, ...data: number[]) => ({ name, shape: [1, 2], datatype: 'FP32', data })
const inputs = [row('a', 1, 2), row('b', 10, 20)]
const one: TensorMap = { x: { type: 'float32', dims: [1], data: new Float32Array([1]) } }
const held: TensorMap = { x: { type: 'float32', dims: [1], data: new Float32Array([heldNumber]) } }

const rows: TensorData = { type: 'float32', dims: [1, 2], data: new Float32Array([1, 2]) }

describe('over a real connection', () => {
  it('answers the cloud arm', async () => {
    const own = await fixture.open()
    const { port } = await own.listen({ port: 0, host: '127.0.0.1' })
    const cloud = createCloudArm({ url: `http://127.0.0.1:${port}` })
    const tensors: TensorMap = {
      a: { type: 'float32', dims: [1, 2], data: new Float32Array([1, 2]) },
      b: { type: 'float32', dims: [1, 2], data: new Float32Array([3, 4]) },
    }
    const { outputs, timing } = await cloud.run('sum', tensors, { id: 'x' })
    expect(outputs.y?.data).toEqual(new Float32Array([4, 6]))
    expect(timing).toEqual({
      totalMs: expect.any(Number),
      serverMs: expect.any(Number),
      queueMs: expect.any(Number),
      computeMs: expect.any(Number),
    })
    expect(await Promise.all(['sum', 'liar', 'none'].map((model) => cloud.hasModel(model)))).toEqual([
      true,
      false,
      false,
    ])
    expect((await cloud.ping()).roundTripMs).toBeGreaterThan(0)
  })

  it('finishes what is under way when it is closed, and takes nothing more', async () => {
    const own = await fixture.open()
    const { port } = await own.listen({ port: 0, host: '127.0.0.1' })
    const cloud = createCloudArm({ url: `http://127.0.0.1:${port}` })
    const arrived = new Promise<void>((resolve) => {
      own.app.server.on('request', ({ url }) => url?.endsWith('/infer') && resolve())
    })
    const underWay = cloud.run('slow', one)
    await arrived
    const closed = own.close()
    expect((await underWay).outputs.y?.dims).toEqual([1])
    await closed
    await own.close()
    await expect(cloud.ping()).rejects.toMatchObject({ code: 'cloud-unreachable' })
  })

  it('gives up a run that takes too long, refuses what has no room, and runs the next one', async () => {
    const { url: workerUrl, letGo } = await fixture.holdRuns()
    const own = await fixture.open({ runLimitMs: 2_000, maxQueue: 1, workerUrl })
    const { port } = await own.listen({ port: 0, host: '127.0.0.1' })
    const cloud = createCloudArm({ url: `http://127.0.0.1:${port}` })
    const answers = await Promise.allSettled([1, 2, 3].map(() => cloud.run('slow', held)))
    const reasons = answers.map((answer) => (answer.status === 'rejected' ? answer.reason : undefined))
    expect(reasons.map(({ context }) => context.status).sort()).toEqual([503, 504, 504])
    expect(reasons.find(({ context }) => context.status === 503)).toMatchObject({
      code: 'cloud-overloaded',
      context: { retryAfterMs: 1000 },
    })
    await letGo()
    // On a busy machine even a short run may take longer than the limit.
    await vi.waitFor(async () => {
      const { outputs } = await cloud.run('sum', { a: rows, b: rows })
      expect(outputs.y?.data).toEqual(new Float32Array([2, 4]))
    }, patiently)
    await vi.waitFor(() => expect(own.stuckThreads).toBe(0), patiently)
  }, 90_000)

  it('is not kept from closing by connections that say nothing, or half of their headers', async () => {
    const own = await fixture.open({ arrivalLimitsMs: { headers: 200, request: 60_000 } })
    const { port } = await own.listen({ port: 0, host: '127.0.0.1' })
    const open = (text: string) =>
      new Promise<{ readonly gone: Promise<unknown> }>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(text)
          resolve({ gone: new Promise((end) => socket.once('close', end)) })
        })
        socket.on('error', () => {}).resume()
      })
    const quiet = [await open(''), await open('GET /v2 HTTP/1.1\r\nX-Slow: ')]
    // Both have been taken by the server once a later one is answered.
    await fetch(`http://127.0.0.1:${port}/v2`)
    await own.close()
    await Promise.all(quiet.map(({ gone }) => gone))
  })

  it('does not run what waits for a client that has hung up', async () => {
    const { url: workerUrl, letGo } = await fixture.holdRuns()
    const own = await fixture.open({ workerUrl })
    const { port } = await own.listen({ port: 0, host: '127.0.0.1' })
    const capacity = async (): Promise<Capacity> => (await own.app.inject({ url: '/hither/v1/capacity' })).json()
    const cloud = createCloudArm({ url: `http://127.0.0.1:${port}` })
    const before = cloud.run('slow', held)
    await vi.waitFor(async () => expect((await capacity()).busy).toBe(1), patiently)
    const leaving = new AbortController()
    const waiting = expect(cloud.run('sum', { a: rows, b: rows }, { signal: leaving.signal })).rejects.toBe('gone')
    await vi.waitFor(async () => expect((await capacity()).waiting).toBe(1), patiently)
    leaving.abort('gone')
    await waiting
    await vi.waitFor(async () => expect((await capacity()).waiting).toBe(0), patiently)
    await letGo()
    expect((await before).outputs.y?.dims).toEqual([1])
    const { models } = await capacity()
    expect(models.filter(({ runs }) => runs > 0).map(({ name, runs }) => [name, runs])).toEqual([['slow', 1]])
  })

  it('goes on when a client hangs up in the middle of its request', async () => {
    const own = await fixture.open()
    const { port } = await own.listen({ port: 0, host: '127.0.0.1' })
    const body = JSON.stringify({ inputs })
    const head = `POST /v2/models/sum/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    for (const sent of [head, head + body.slice(0, 20), head + body]) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(sent, () => socket.destroy()))
        socket.on('close', () => resolve())
      })
    }
    const response = await fetch(`http://127.0.0.1:${port}/v2/models/sum/infer`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    })
    expect(response.status).toBe(200)
    await own.close()
  })
})

describe('createEndpoint', () => {
  it.each([
    [{ allowOrigins: ['*'] }, 'config-invalid'],
    [{ allowOrigins: ['null'] }, 'config-invalid'],
    [{ workers: 0 }, 'config-invalid'],
    [{ modelsDir: '/nowhere/at/all' }, 'catalog-unavailable'],
    [{ workerUrl: new URL('file:///nowhere/worker.js') }, 'worker-unavailable'],
  ])('refuses %j', async (options, code) => {
    await expect(fixture.open(options)).rejects.toMatchObject({ code })
  })
})
