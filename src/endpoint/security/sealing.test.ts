import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCloudArm } from '../../cloud/create-cloud-arm.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { openRequest, sealedType, sealRequest } from '../../protocol/sealing.ts'
import { type EndpointFixture, openEndpointFixture } from '../../testing/endpoint-fixture.ts'
import { createSealingKeyRing } from './sealing-keys.ts'

const target = { method: 'POST', path: '/v2/models/sum/infer' }
const day = 24 * 60 * 60 * 1000
const seed = new Uint8Array(32).fill(7)
const message = { head: { 'content-type': 'application/json' }, body: new TextEncoder().encode('a secret') }

describe('sealing', () => {
  it('carries any request there and any answer back', async () => {
    const ring = createSealingKeyRing({ seed })
    const [key] = (await ring.published()).keys
    if (key === undefined) throw new Error('no key')
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 300 }),
        async (asked, answered) => {
          const request = { ...message, body: asked }
          const { bytes, answer } = await sealRequest(request, key, target)
          const opened = await openRequest(bytes, ring.find, target)
          expect(opened?.message.body).toEqual(asked)
          expect(opened?.message.head).toEqual(request.head)
          const back = await opened?.answer.seal({ head: { status: 200 }, body: answered })
          expect((await answer.open(back ?? new Uint8Array())).body).toEqual(answered)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('is broken by any changed byte, another address, another method', async () => {
    const ring = createSealingKeyRing({ seed })
    const [key] = (await ring.published()).keys
    if (key === undefined) throw new Error('no key')
    const { bytes } = await sealRequest(message, key, target)
    const open = (changed: Uint8Array, where = target) => openRequest(changed, ring.find, where)
    for (const at of [0, 20, 45, bytes.length - 1]) {
      const changed = bytes.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      await expect(open(changed)).rejects.toMatchObject({ code: 'options-invalid' })
    }
    await expect(open(bytes, { ...target, path: '/v2/models/id/infer' })).rejects.toMatchObject({
      name: 'ValidationError',
    })
    await expect(open(bytes, { ...target, method: 'PUT' })).rejects.toMatchObject({ name: 'ValidationError' })
    await expect(open(bytes.subarray(0, 30))).rejects.toMatchObject({ name: 'ValidationError' })
    expect(await open(bytes)).toBeDefined()
  })

  it('changes its key every day, takes the last one for a day more, and is the same wherever the seed is', async () => {
    let nowMs = 100 * day
    const ring = createSealingKeyRing({ seed, now: () => nowMs })
    const other = createSealingKeyRing({ seed, now: () => nowMs + 1000 })
    const [key] = (await ring.published()).keys
    if (key === undefined) throw new Error('no key')
    expect((await other.published()).keys).toEqual([key])
    nowMs += day
    expect((await ring.published()).keys[0]?.id).not.toBe(key.id)
    expect(await ring.find(key.id)).toBeDefined()
    nowMs += day
    expect(await ring.find(key.id)).toBeUndefined()
    expect(Date.parse(key.notAfter)).toBeLessThan(nowMs)
    const stranger = createSealingKeyRing({ seed: new Uint8Array(32), now: () => 100 * day })
    expect((await stranger.published()).keys[0]?.id).not.toBe(key.id)
  })
})

describe('a sealed client and its endpoint', () => {
  let fixture: EndpointFixture
  let proxy: Server
  let through = ''
  const wire: Buffer[] = []
  let port = 0

  beforeAll(async () => {
    fixture = await openEndpointFixture()
    const endpoint = await fixture.open({ sealingSeed: seed })
    port = (await endpoint.listen({ port: 0, host: '127.0.0.1' })).port
    // What a proxy on the way sees, both ways.
    proxy = createServer(async (request, response) => {
      const body: Buffer[] = []
      for await (const chunk of request) body.push(chunk as Buffer)
      wire.push(Buffer.from(JSON.stringify(request.headers)), ...body)
      const answer = await fetch(`http://127.0.0.1:${port}${request.url}`, {
        method: request.method ?? 'GET',
        headers: { 'content-type': request.headers['content-type'] ?? '' },
        ...(body.length === 0 ? {} : { body: Buffer.concat(body) }),
      })
      const bytes = Buffer.from(await answer.arrayBuffer())
      wire.push(bytes)
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(bytes)
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    through = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    proxy.close()
    await fixture.close()
  })

  const row = (...values: number[]) => ({ type: 'float32', dims: [1, 2], data: new Float32Array(values) }) as const
  const inputs: TensorMap = { a: row(12_345.5, 2), b: row(0.25, 4) }
  const numbers = (value: number) => Buffer.from(new Float32Array([value]).buffer)

  it('answers as in the open, and the wire holds neither inputs nor outputs', async () => {
    wire.length = 0
    const open = createCloudArm({ url: through })
    expect((await open.run('sum', inputs)).outputs.y?.data).toEqual(new Float32Array([12_345.75, 6]))
    expect(Buffer.concat(wire).includes(numbers(12_345.5))).toBe(true)
    wire.length = 0
    const sealed = createCloudArm({ url: through, sealed: true })
    const { outputs, timing } = await sealed.run('sum', inputs)
    expect(outputs.y?.data).toEqual(new Float32Array([12_345.75, 6]))
    expect(timing.computeMs).toBeGreaterThanOrEqual(0)
    const seen = Buffer.concat(wire)
    for (const value of [12_345.5, 12_345.75]) expect(seen.includes(numbers(value))).toBe(false)
    expect(seen.toString('latin1')).not.toMatch(/"inputs"|"outputs"|binary_data_size|12345/)
  })

  it('seals what is packed, and the reason of a refusal', async () => {
    const sealed = createCloudArm({ url: through, sealed: true })
    const large = { type: 'float32', dims: [256, 2], data: new Float32Array(512).fill(3) } as const
    const { outputs, requestBytes } = await sealed.run('sum', { a: large, b: large })
    expect(outputs.y?.data[511]).toBe(6)
    expect(requestBytes).toBeLessThan(1600)
    wire.length = 0
    await expect(sealed.run('sum', { a: row(1, 2) })).rejects.toMatchObject({
      code: 'cloud-refused',
      message: expect.stringMatching(/needs the input "b"/),
    })
    expect(Buffer.concat(wire).toString('latin1')).not.toContain('needs the input')
  })

  it('fetches the keys again once when the endpoint has others, and gives up after that', async () => {
    const stale = await createSealingKeyRing({ seed: new Uint8Array(32).fill(9) }).published()
    const fresh = await createSealingKeyRing({ seed }).published()
    let asked = 0
    const renewing = createCloudArm({
      url: through,
      sealed: {
        keys: async () => {
          asked += 1
          return asked === 1 ? stale : fresh
        },
      },
    })
    expect((await renewing.run('sum', inputs)).outputs.y?.data).toEqual(new Float32Array([12_345.75, 6]))
    expect(asked).toBe(2)
    const stuck = createCloudArm({ url: through, sealed: { keys: async () => stale } })
    await expect(stuck.run('sum', inputs)).rejects.toMatchObject({ context: { status: 422 } })
  })

  it('sends nothing in the open when there is no key to seal to', async () => {
    wire.length = 0
    const keyless = createCloudArm({ url: through, sealed: { keys: async () => ({}) } })
    await expect(keyless.run('sum', inputs)).rejects.toMatchObject({ code: 'cloud-bad-response' })
    expect(Buffer.concat(wire).toString('latin1')).not.toMatch(/"inputs"|POST/)
    const fetch = async (_: unknown, init?: RequestInit) =>
      init?.body ? new Response('{"outputs":[]}') : new Response(JSON.stringify({ name: 'hither', extensions: [] }))
    const answeredOpenly = createCloudArm({
      url: 'https://x.test',
      fetch: fetch as typeof globalThis.fetch,
      sealed: { keys: async () => createSealingKeyRing({ seed }).published() },
    })
    await expect(answeredOpenly.run('sum', inputs)).rejects.toMatchObject({ code: 'cloud-bad-response' })
  })

  it('publishes its key, and refuses what is no sealed request', async () => {
    const keys = await fetch(`http://127.0.0.1:${port}/.well-known/hither-keys`)
    expect(keys.headers.get('cache-control')).toMatch(/max-age=\d+/)
    expect(await keys.json()).toEqual(await createSealingKeyRing({ seed }).published())
    for (const body of ['', 'nonsense', new Uint8Array(100).fill(1)]) {
      const response = await fetch(`http://127.0.0.1:${port}/v2/models/sum/infer`, {
        method: 'POST',
        headers: { 'content-type': sealedType },
        body,
      })
      expect([400, 422]).toContain(response.status)
    }
  })
})
