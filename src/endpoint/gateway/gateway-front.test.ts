import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createCloudArm } from '../../cloud/create-cloud-arm.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { parseServerTiming } from '../../protocol/server/server-timing.ts'
import { type FakeUpstream, openFakeUpstream } from '../../testing/fake-upstream.ts'
import { until } from '../../testing/until.ts'
import { createEndpoint, type Endpoint } from '../create-endpoint.ts'
import { createGatewayEngine } from './create-gateway-engine.ts'
import { createOpenAiPlugin } from './openai/openai-plugin.ts'

const upstreams: FakeUpstream[] = []
const endpoints: Endpoint[] = []
afterEach(async () => {
  for (const upstream of upstreams) upstream.release()
  for (const endpoint of endpoints.splice(0)) await endpoint.close()
  for (const upstream of upstreams.splice(0)) await upstream.stop()
})

async function open(count: number, options: Parameters<typeof openFakeUpstream>[0] = {}) {
  const own: FakeUpstream[] = []
  for (let index = 0; index < count; index += 1) own.push(await openFakeUpstream(options))
  upstreams.push(...own)
  const engine = await createGatewayEngine({ upstreams: own.map(({ url }) => url), checkEveryMs: 25, random: () => 0 })
  const endpoint = await createEndpoint({
    engine,
    plugins: [createOpenAiPlugin(engine)],
    allowOrigins: ['https://page.test'],
    logger: false,
  })
  endpoints.push(endpoint)
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  return { own, engine, endpoint, port, url: `http://127.0.0.1:${port}` }
}

const inputs: TensorMap = { x: { type: 'float32', dims: [2], data: new Float32Array([1, 2]) } }

describe('the protocol, through the gateway', () => {
  it('answers the cloud arm as an endpoint does, with its own timing', async () => {
    const { url } = await open(1)
    const cloud = createCloudArm({ url })
    const { outputs, timing } = await cloud.run('copy', inputs, { id: 'a' })
    expect(outputs.y).toEqual(inputs.x)
    expect(timing).toMatchObject({ serverMs: expect.any(Number), computeMs: expect.any(Number) })
    expect(await Promise.all([cloud.hasModel('copy'), cloud.hasModel('none')])).toEqual([true, false])
    expect(await cloud.facts()).toMatchObject({ kind: 'hither', binary: true })
  })

  it('lets a page of a named origin in, which the upstream never would', async () => {
    const { url } = await open(1)
    const origin = 'https://page.test'
    const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }] })
    const headers = { 'Content-Type': 'application/json', Origin: origin }
    const response = await fetch(`${url}/v2/models/copy/infer`, { method: 'POST', headers, body })
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe(origin)
    expect(parseServerTiming(response.headers.get('Server-Timing')).has('compute')).toBe(true)
    expect((await response.json()).outputs[0]).toMatchObject({ name: 'y', data: [1] })
  })

  it('is ready while one upstream is', async () => {
    const { own, engine, url } = await open(1)
    const ready = async () => (await fetch(`${url}/v2/health/ready`)).status
    expect(await ready()).toBe(200)
    await own[0]?.stop()
    await until(() => !engine.ready)
    expect(await ready()).toBe(503)
    const response = await fetch(`${url}/v2/models/copy/infer`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"inputs":[]}',
    })
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('Retry-After'))).toBeGreaterThan(0)
  })

  it.each([
    [{ kind: 'status', status: 500 }, 500],
    [{ kind: 'status', status: 422 }, 422],
    [{ kind: 'status', status: 503, headers: { 'Retry-After': '7' } }, 503],
    [{ kind: 'dies' }, 502],
    [{ kind: 'half' }, 502],
  ] as const)('gives %j on as %i, with a sentence', async (fault, status) => {
    const { own, url } = await open(1)
    own[0]?.fail(fault)
    const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }] })
    const headers = { 'Content-Type': 'application/json' }
    const response = await fetch(`${url}/v2/models/copy/infer`, { method: 'POST', headers, body })
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: expect.any(String) })
    if (status === 503) expect(response.headers.get('Retry-After')).toBe('7')
  })
})

const chat = (url: string, body: object, init: RequestInit = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    ...init,
  })

describe('the OpenAI API, through the gateway', () => {
  it.each(['/v1', '/openai/v1', '/v3'])('finds an upstream that has it at %s', async (openAiBase) => {
    const { own, url } = await open(1, { openAiBase })
    expect(await (await fetch(`${url}/v1/models`)).json()).toMatchObject({ object: 'list', data: [{ id: 'parrot' }] })
    const response = await chat(url, { model: 'parrot', messages: [] })
    expect(await response.json()).toEqual({ choices: [{ message: { content: 'Hello' } }] })
    const embeddings = await fetch(`${url}/v1/embeddings`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ model: 'parrot', input: 'x' }),
    })
    expect(embeddings.status).toBe(200)
    // Among others: the gateway's own checks go on beside it.
    expect(own[0]?.asked.map(({ path }) => path)).toContain(`${openAiBase}/embeddings`)
  })

  it('streams, and passes on all that the request says', async () => {
    const { own, url } = await open(1, { openAiBase: '/v1' })
    const response = await chat(url, { model: 'parrot', stream: true, messages: [{ role: 'user' }], temperature: 0.5 })
    expect(response.headers.get('Content-Type')).toBe('text/event-stream')
    expect(await response.text()).toMatch(/^data: .*Hel.*\n\ndata: .*lo.*\n\ndata: \[DONE\]\n\n$/)
    expect(JSON.parse(own[0]?.runs()[0]?.body.toString() ?? '')).toMatchObject({
      messages: [{ role: 'user' }],
      temperature: 0.5,
    })
  })

  it('says so in the stream when the upstream dies in the middle, and gives no half event', async () => {
    const { own, url } = await open(1, { openAiBase: '/v1' })
    own[0]?.fail({ kind: 'half' })
    const text = await (await chat(url, { model: 'parrot', stream: true })).text()
    const events = text.split('\n\n').filter((event) => event !== '')
    for (const event of events) expect(() => JSON.parse(event.slice('data: '.length))).not.toThrow()
    expect(JSON.parse(events.at(-1)?.slice('data: '.length) ?? '')).toMatchObject({ error: { code: 'cut_off' } })
  })

  it('gives an error, and no half answer, when the upstream dies in one that is not streamed', async () => {
    const { own, url } = await open(1, { openAiBase: '/v1' })
    own[0]?.fail({ kind: 'half' })
    const response = await chat(url, { model: 'parrot' })
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String), type: 'server_error' } })
  })

  it.each([
    ['is asked again elsewhere when it is overloaded', { kind: 'status', status: 503 }, 200, 1],
    ['is not asked again elsewhere when it died at work: it may have generated', { kind: 'dies' }, 502, 0],
    ['passes an error of its own on', { kind: 'status', status: 500 }, 500, 0],
  ] as const)('an upstream %s', async (_, fault, status, others) => {
    const { own, url } = await open(2, { openAiBase: '/v1' })
    own[0]?.fail(fault)
    // Both are idle and equal, and the lot is always the same: the first one is asked first.
    expect((await chat(url, { model: 'parrot' })).status).toBe(status)
    expect(own[1]?.runs()).toHaveLength(others)
  })

  it('ends the work of an upstream when the client hangs up', async () => {
    const { own, url } = await open(1, { openAiBase: '/v1' })
    own[0]?.fail({ kind: 'waits' })
    const controller = new AbortController()
    const gone = chat(url, { model: 'parrot' }, { signal: controller.signal }).catch(() => 'gone')
    await until(() => own[0]?.held === 1)
    controller.abort()
    expect(await gone).toBe('gone')
    await until(() => own[0]?.held === 0)
  })

  it.each([
    ['no model', '{}', 400],
    ['no JSON', '{', 400],
    ['a model that nobody has', '{"model":"none"}', 404],
  ])('refuses %s in the form of that API', async (_, body, status) => {
    const { url } = await open(1, { openAiBase: '/v1' })
    const response = await chat(url, {}, { body })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({
      error: { message: expect.any(String), type: 'invalid_request_error' },
    })
  })

  it('passes nothing else on', async () => {
    const { own, port } = await open(1, { openAiBase: '/v1' })
    const socket = connect(port, '127.0.0.1')
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())))
    socket.write(`GET /v1/files HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    expect(await answer).toMatch(/^HTTP\/1.1 404/)
    expect(own[0]?.asked.some(({ path }) => path.includes('files'))).toBe(false)
  })
})
