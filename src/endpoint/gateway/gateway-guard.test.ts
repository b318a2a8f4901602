import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node'
import { SignJWT } from 'jose'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createCloudArm } from '../../cloud/create-cloud-arm.ts'
import type { TensorMap } from '../../contracts/tensor.ts'
import { sealedType } from '../../protocol/sealing.ts'
import { type FakeUpstream, openFakeUpstream } from '../../testing/fake-upstream.ts'
import { createEndpoint, type Endpoint } from '../create-endpoint.ts'
import type { EndpointOptions } from '../plugin/endpoint-options.ts'
import { openGateway } from './open-gateway.ts'

// The front is the same as the endpoint's, and its own tests are next to it: here, that a gateway has it whole, and
// what of it an upstream gets to see.

const patiently = { timeout: 50_000 }
const upstreams: FakeUpstream[] = []
const endpoints: Endpoint[] = []
afterEach(async () => {
  for (const upstream of upstreams) upstream.release()
  for (const endpoint of endpoints.splice(0)) await endpoint.close()
  for (const upstream of upstreams.splice(0)) await upstream.stop()
})

async function open(options: Partial<EndpointOptions> = {}) {
  const upstream = await openFakeUpstream({ openAiBase: '/v1' })
  upstreams.push(upstream)
  const gateway = await openGateway({ upstreams: [upstream.url], token: 'the-gateways-own', workersEach: 3 })
  const endpoint = await createEndpoint({ ...gateway, logger: false, ...options })
  endpoints.push(endpoint)
  const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
  const url = `http://127.0.0.1:${port}`
  const ask = (path: string, body?: object, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, {
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    })
  return { upstream, url, ask }
}

const inputs: TensorMap = { x: { type: 'float32', dims: [2], data: new Float32Array([7331.25, 2]) } }
const body = { inputs: [{ name: 'x', shape: [2], datatype: 'FP32', data: [7331.25, 2] }] }
const infer = '/v2/models/copy/infer'

const secret = 'a secret of thirty-two bytes or so'
const sign = (scope: string) =>
  new SignJWT({ scope })
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience('x')
    .setSubject('someone')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(new TextEncoder().encode(secret))
const bearer = async (scope: string) => ({ Authorization: `Bearer ${await sign(scope)}` })

describe('tokens at a gateway', () => {
  it('are asked for, are for one model, and never reach an upstream', async () => {
    const { upstream, ask } = await open({ tokens: { secret, audience: 'x' } })
    const statuses = [
      await ask(infer, body),
      await ask(infer, body, await bearer('infer:other')),
      await ask(infer, body, await bearer('infer:copy')),
      await ask('/hither/v1/capacity'),
      await ask('/metrics', undefined, await bearer('infer:copy')),
      await ask('/v2/repository/models/copy/load', {}, await bearer('infer:*')),
      await ask('/v2/repository/models/copy/load', {}, await bearer('repository')),
    ].map(({ status }) => status)
    expect(statuses).toEqual([401, 403, 200, 401, 403, 403, 200])
    expect(upstream.runs()).toHaveLength(1)
    for (const { headers } of upstream.asked) expect(headers.authorization).toBe('Bearer the-gateways-own')
  })

  it('hold for the OpenAI API, whose lists name only what they allow', async () => {
    const { upstream, ask } = await open({ tokens: { secret, audience: 'x' } })
    const chat = { model: 'parrot', messages: [{ role: 'user', content: 'Hello' }] }
    const statuses = [
      await ask('/v1/models'),
      await ask('/v1/chat/completions', chat),
      await ask('/v1/chat/completions', chat, await bearer('infer:copy')),
      await ask('/v1/chat/completions', chat, await bearer('infer:parrot')),
    ].map(({ status }) => status)
    expect(statuses).toEqual([401, 401, 403, 200])
    expect(upstream.runs()).toHaveLength(1)
    const ids = async (scope: string) => {
      const { data } = (await (await ask('/v1/models', undefined, await bearer(scope))).json()) as {
        readonly data: readonly { readonly id: string }[]
      }
      return data.map(({ id }) => id)
    }
    expect([await ids('infer:copy'), await ids('infer:*')]).toEqual([[], ['parrot']])
    const one = async (scope: string) => (await ask('/v1/models/parrot', undefined, await bearer(scope))).status
    expect([await one('infer:copy'), await one('infer:parrot')]).toEqual([404, 200])
  })

  it('are renewed once by the cloud arm', async () => {
    const { url } = await open({ tokens: { secret, audience: 'x' } })
    const given: string[] = []
    const token = async () => {
      given.push(given.length === 0 ? 'stale' : await sign('infer:copy'))
      return given.at(-1) ?? ''
    }
    expect((await createCloudArm({ url, token }).run('copy', inputs)).outputs.y).toEqual(inputs.x)
  })
})

it('a client beyond its rate is refused by the gateway, for every API, and the upstream is not asked', async () => {
  const { upstream, ask } = await open({ rateLimit: { perAddress: 0.2 } })
  const chat = { model: 'parrot', messages: [] }
  const answers = [await ask(infer, body), await ask(infer, body), await ask(infer, body)]
  answers.push(await ask('/v1/chat/completions', chat))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429, 429])
  for (const { headers } of answers.slice(2)) expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
  expect(upstream.runs()).toHaveLength(2)
})

describe('sealed requests to a gateway', () => {
  /** All that passes between the client and the gateway. */
  function listen() {
    const heard: Buffer[] = []
    const types: (string | null)[] = []
    const tapped: typeof fetch = async (input, init) => {
      const { body: sent } = init ?? {}
      if (sent instanceof Uint8Array) heard.push(Buffer.from(sent))
      const response = await fetch(input, init)
      const bytes = Buffer.from(await response.arrayBuffer())
      heard.push(bytes)
      types.push(response.headers.get('Content-Type'))
      return new Response(bytes, response)
    }
    return { tapped, types, text: () => Buffer.concat(heard).toString('latin1') }
  }

  it('are opened there, go on to the upstream as it takes them, and their answers come back sealed', async () => {
    const { upstream, url } = await open({ sealingSeed: new Uint8Array(32).fill(7) })
    const { tapped, types, text } = listen()
    const sealed = createCloudArm({ url, sealed: true, fetch: tapped })
    const { outputs, timing } = await sealed.run('copy', inputs)
    expect(outputs.y).toEqual(inputs.x)
    expect(timing.computeMs).toBeGreaterThanOrEqual(0)
    expect(types.at(-1)).toBe(sealedType)
    const number = Buffer.from(new Float32Array([7331.25]).buffer).toString('latin1')
    expect(text()).not.toContain(number)
    expect(text()).not.toMatch(/"inputs"|"outputs"|binary_data_size/)
    expect(upstream.runs()[0]?.body.toString('latin1')).toContain(number)
  })

  it("hide an upstream's reason for a refusal", async () => {
    const { upstream, url } = await open()
    const { tapped, text } = listen()
    upstream.fail({ kind: 'status', status: 422 })
    const run = createCloudArm({ url, sealed: true, fetch: tapped }).run('copy', inputs)
    await expect(run).rejects.toMatchObject({ message: expect.stringMatching(/as it was told to/) })
    expect(text()).not.toContain('as it was told to')
  })
})

describe('what is seen of a gateway', () => {
  it('is counted by model, for both APIs, and never by a name that a client made up', async () => {
    const { upstream, ask } = await open()
    const chat = { model: 'parrot', messages: [] }
    await ask(infer, body)
    await ask('/v1/chat/completions', chat)
    await ask('/v1/chat/completions', { ...chat, model: 'made-up' })
    await ask('/v2/models/made-up/infer', body)
    upstream.fail({ kind: 'status', status: 503 })
    await ask(infer, body)
    await vi.waitFor(async () => {
      const text = await (await ask('/metrics')).text()
      for (const line of [
        'hither_requests_total{model="copy",status="200"} 1',
        'hither_requests_total{model="copy",status="503"} 1',
        'hither_refusals_total{model="copy",reason="overload"} 1',
        'hither_requests_total{model="parrot",status="200"} 1',
        'hither_requests_total{model="",status="404"} 2',
        'hither_compute_seconds_count{model="copy"} 1',
        'hither_queue_seconds_count{model="copy"} 1',
        'hither_batch_size_count{model="copy"} 1',
        'hither_workers 3',
      ]) {
        expect(text).toContain(line)
      }
      expect(text).toMatch(/^hither_request_bytes_total\{model="copy"\} [1-9]/m)
      expect(text).not.toContain('made-up')
    }, patiently)
    const { model_stats: stats } = (await (await ask('/v2/models/copy/stats')).json()) as {
      readonly model_stats: readonly { readonly inference_stats: { readonly success: { readonly count: number } } }[]
    }
    expect(stats[0]?.inference_stats.success.count).toBe(1)
  })

  it("is a part of the browser's trace, and the upstream's is a part of it", async () => {
    const traces = new InMemorySpanExporter()
    const { upstream, ask } = await open({ traces })
    const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`
    await ask(infer, body, { traceparent })
    await vi.waitFor(() => expect(traces.getFinishedSpans().map(({ name }) => name)).toContain('compute'), patiently)
    const server = traces.getFinishedSpans().find(({ name }) => name.startsWith('POST'))
    expect(server?.parentSpanContext?.spanId).toBe('b2'.repeat(8))
    const { spanId = '' } = server?.spanContext() ?? {}
    expect(upstream.runs()[0]?.headers.traceparent).toBe(`00-${'a1'.repeat(16)}-${spanId}-01`)
    expect(JSON.stringify(traces.getFinishedSpans().map(({ attributes }) => attributes))).not.toContain('7331')
  })

  it('is in no log: neither inputs, nor tokens, nor what an upstream said of them', async () => {
    const lines: string[] = []
    const logger = { level: 'trace', stream: { write: (line: string) => lines.push(line) } }
    const { upstream, ask } = await open({ logger, tokens: { secret, audience: 'x' } })
    const headers = await bearer('infer:copy')
    await ask(infer, body, headers)
    upstream.fail({ kind: 'status', status: 500 })
    await ask(infer, body, headers)
    await vi.waitFor(() => expect(lines.join('')).toContain('An upstream failed.'), patiently)
    const log = lines.join('')
    expect(log).toContain(infer)
    for (const hidden of ['7331', 'as it was told to', 'the-gateways-own', headers.Authorization.slice(-20)]) {
      expect(log).not.toContain(hidden)
    }
  })
})
