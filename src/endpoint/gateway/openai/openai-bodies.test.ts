import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type FakeUpstream, openFakeUpstream } from '../../../testing/fake-upstream.ts'
import { until } from '../../../testing/until.ts'
import { createEndpoint, type Endpoint } from '../../create-endpoint.ts'
import type { EndpointOptions } from '../../plugin/endpoint-options.ts'
import { createGatewayEngine } from '../create-gateway-engine.ts'
import { createOpenAiPlugin } from './openai-plugin.ts'

const opened: FakeUpstream[] = []
const endpoints: Endpoint[] = []
afterEach(async () => {
  for (const upstream of opened) upstream.release()
  for (const endpoint of endpoints.splice(0)) await endpoint.close()
  for (const upstream of opened.splice(0)) await upstream.stop()
})

async function open(count: number, options: Partial<EndpointOptions> = {}) {
  const upstreams: FakeUpstream[] = []
  for (let index = 0; index < count; index += 1) upstreams.push(await openFakeUpstream({ openAiBase: '/v1' }))
  opened.push(...upstreams)
  const engine = await createGatewayEngine({ upstreams: upstreams.map(({ url }) => url), random: () => 0 })
  const endpoint = await createEndpoint({ engine, plugins: [createOpenAiPlugin(engine)], logger: false, ...options })
  endpoints.push(endpoint)
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  const url = `http://127.0.0.1:${port}/v1/chat/completions`
  const chat = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body })
  return { upstreams, engine, chat }
}

describe('a chat request, through the gateway', () => {
  it('goes on byte by byte as it came: no number is rounded, no key moved', async () => {
    const { upstreams, chat } = await open(1)
    const body = '{ "seed": 12345678901234567890, "b":1.0, "a":1e400, "messages":[], "model" : "parrot" }'
    expect((await chat(body)).status).toBe(200)
    expect(upstreams[0]?.runs()[0]?.body.toString()).toBe(body)
  })

  it('is unpacked first', async () => {
    const { upstreams, chat } = await open(1)
    const body = '{"model":"parrot"}'
    expect((await chat(new Uint8Array(gzipSync(body)), { 'Content-Encoding': 'gzip' })).status).toBe(200)
    expect(upstreams[0]?.runs()[0]?.body.toString()).toBe(body)
    expect(upstreams[0]?.runs()[0]?.headers).not.toHaveProperty('content-encoding')
  })

  it('that is large goes on as it came, too', async () => {
    const { upstreams, chat } = await open(1)
    const body = `{"messages":["${'x'.repeat(2_000_000)}"],"model":"parrot"}`
    expect((await chat(body)).status).toBe(200)
    expect(upstreams[0]?.runs()[0]?.body.toString() === body).toBe(true)
  })

  it('that is nested too deep is refused, and counts against no upstream', async () => {
    const { engine, chat } = await open(2)
    const deep = `{"model":"parrot","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    for (let count = 0; count < 12; count += 1) expect((await chat(deep)).status).toBe(400)
    for (const { state } of engine.upstreams) expect(state.ejected(performance.now())).toBe(false)
    expect((await chat('{"model":"parrot"}')).status).toBe(200)
  })

  it('is no fault of the client where the upstream does not accept the gateway', async () => {
    const { upstreams, engine, chat } = await open(1)
    upstreams[0]?.fail({ kind: 'status', status: 401 })
    const answer = await chat('{"model":"parrot"}')
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([502, null])
    expect((await answer.json()).error).toMatchObject({ message: 'The upstream did not accept this gateway.' })
    expect(engine.upstreams[0]?.state.inFlight).toBe(0)
  })

  it('is answered packed where the client takes that and it pays', async () => {
    const content = 'hello '.repeat(20_000)
    const server = createServer((request, response) => {
      request.resume()
      response.setHeader('Content-Type', 'application/json')
      if (request.url === '/v1/models') response.end('{"object":"list","data":[{"id":"parrot"}]}')
      else response.end(request.url === '/v1/chat/completions' ? JSON.stringify({ content }) : '{}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const engine = await createGatewayEngine({
      upstreams: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
    })
    const endpoint = await createEndpoint({ engine, plugins: [createOpenAiPlugin(engine)], logger: false })
    const ask = (encoding: string) =>
      endpoint.app.inject({
        method: 'POST',
        url: '/v1/chat/completions',
        headers: { 'content-type': 'application/json', 'accept-encoding': encoding },
        payload: '{"model":"parrot"}',
      })
    const packed = await ask('gzip')
    expect(packed.headers['content-encoding']).toBe('gzip')
    expect(JSON.parse(gunzipSync(packed.rawPayload).toString())).toEqual({ content })
    const plain = await ask('identity')
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.json()).toEqual({ content })
    await endpoint.close()
    server.closeAllConnections()
    server.close()
  })

  it('counts against the memory of all requests until it is answered', async () => {
    const body = `{"model":"parrot","messages":["${'x'.repeat(60_000)}"]}`
    const { upstreams, chat } = await open(1, { bodyBudgetBytes: 100_000 })
    upstreams[0]?.fail({ kind: 'waits' })
    const first = chat(body)
    await until(() => upstreams[0]?.held === 1)
    const second = await chat(body)
    expect([second.status, (await second.json()).error.type]).toEqual([503, 'server_error'])
    upstreams[0]?.fail(undefined)
    upstreams[0]?.release()
    expect((await first).status).toBe(200)
    await (await first).text()
    expect((await chat(body)).status).toBe(200)
  })
})

describe('an inference, through the gateway', () => {
  it('that its client gives too little time counts against no upstream', async () => {
    const { upstreams, engine } = await open(2)
    for (const upstream of upstreams) upstream.fail({ kind: 'waits' })
    const model = await engine.find('copy')
    const inputs = { x: { type: 'float32', dims: [1], data: new Float32Array(1) } } as const
    const never = new AbortController().signal
    for (let count = 0; count < 12; count += 1) {
      const deadlineAtMs = performance.now() + 5
      const run = engine.infer({ model, inputs, parameters: {}, deadlineAtMs }, never)
      await expect(run).rejects.toMatchObject({ name: 'CloudError' })
    }
    for (const { state } of engine.upstreams) expect(state.ejected(performance.now())).toBe(false)
  })
})
