import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../../testing/endpoint-fixture.ts'
import { freePort } from '../../testing/free-port.ts'
import { writeModel } from '../../testing/write-model.ts'
import type { Endpoint } from '../create-endpoint.ts'
import { createLogger } from './logger.ts'
import { formatTraceparent, parseTraceparent } from './trace-context.ts'
import { wantsTracing } from './tracing.ts'

const patiently = { timeout: 50_000 }
let fixture: EndpointFixture
let endpoint: Endpoint
const spans = new InMemorySpanExporter()
const lines: string[] = []
beforeAll(async () => {
  fixture = await openEndpointFixture()
  const logger = { level: 'trace', stream: { write: (line: string) => lines.push(line) } }
  endpoint = await fixture.open({ traces: spans, logger })
})
afterAll(() => fixture.close())

const row = (name: string, shape = [1, 2], data = [7331.25, 2]) => ({ name, shape, datatype: 'FP32', data })
const infer = (inputs: unknown[], headers: Record<string, string> = {}, model = 'sum') =>
  endpoint.app.inject({
    method: 'POST',
    url: `/v2/models/${model}/infer?token=query-secret`,
    payload: JSON.stringify({ inputs }),
    headers: { 'content-type': 'application/json', authorization: 'Bearer header-secret', ...headers },
  })
const metrics = async () => (await endpoint.app.inject({ url: '/metrics' })).payload
const read = (text: string, line: string) =>
  Number(
    text
      .split('\n')
      .find((each) => each.startsWith(line))
      ?.split(' ')
      .at(-1) ?? 0,
  )

describe('/metrics', () => {
  it('counts answers, refusals, bytes and times by model, and names no model that is not there', async () => {
    const before = await metrics()
    expect((await infer([row('a'), row('b')])).statusCode).toBe(200)
    expect((await infer([row('a')])).statusCode).toBe(400)
    expect((await infer([row('a')], {}, 'invented-by-a-client')).statusCode).toBe(404)
    await vi.waitFor(async () => {
      const after = await metrics()
      const gained = (line: string) => read(after, line) - read(before, line)
      expect(gained('hither_requests_total{model="sum",status="200"}')).toBe(1)
      expect(gained('hither_requests_total{model="sum",status="400"}')).toBe(1)
      expect(gained('hither_requests_total{model="",status="404"}')).toBe(1)
      expect(gained('hither_compute_seconds_count{model="sum"}')).toBe(1)
      expect(gained('hither_batch_size_count{model="sum"}')).toBe(1)
      expect(gained('hither_request_bytes_total{model="sum"}')).toBeGreaterThan(100)
      expect(gained('hither_response_bytes_total{model="sum"}')).toBeGreaterThan(50)
      expect(read(after, 'hither_workers ')).toBe(1)
      expect(after).not.toContain('invented-by-a-client')
    }, patiently)
  })

  it('may have a port of its own, and is then not on the endpoint', async () => {
    const own = await fixture.open({ metricsPort: 0, processMetrics: true })
    expect((await own.app.inject({ url: '/metrics' })).statusCode).toBe(404)
  })

  it('has the form and the headers of every answer on that port, too', async () => {
    const metricsPort = await freePort()
    const own = await fixture.open({ metricsPort })
    await own.listen({ port: 0, host: '127.0.0.1' })
    for (const [path, status] of [
      ['/nothing', 404],
      ['/%zz', 400],
    ] as const) {
      const answer = await fetch(`http://127.0.0.1:${metricsPort}${path}`)
      expect(answer.status).toBe(status)
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(await answer.json()).toEqual({ error: expect.stringMatching(/^[A-Z].*\.$/) })
    }
  })

  it('wants a token with its scope where tokens are asked for', async () => {
    const guarded = await fixture.open({ tokens: { secret: 'a secret of thirty-two bytes or so', audience: 'x' } })
    expect((await guarded.app.inject({ url: '/metrics' })).statusCode).toBe(401)
  })
})

describe('traces', () => {
  it('do not keep the endpoint from closing when their collector says nothing', async () => {
    const never = () => new Promise<void>(() => {})
    const own = await fixture.open({ traces: { export: () => {}, forceFlush: never, shutdown: never } })
    await own.app.inject({ url: '/v2' })
    await own.close()
    await expect(own.app.inject({ url: '/v2' })).rejects.toThrow()
  }, 60_000)

  it("go on with the browser's, and tell where the time went", async () => {
    spans.reset()
    const traceparent = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`
    await infer([row('a'), row('b')], { traceparent })
    const ofThisTrace = () => spans.getFinishedSpans().filter((span) => span.spanContext().traceId === 'a1'.repeat(16))
    await vi.waitFor(() => expect(ofThisTrace().length).toBeGreaterThanOrEqual(5), patiently)
    const all = ofThisTrace()
    const server = all.find(({ name }) => name.startsWith('POST /v2/models/:model'))
    expect(server?.parentSpanContext?.spanId).toBe('b2'.repeat(8))
    expect(server?.attributes).toMatchObject({ 'hither.model': 'sum', 'http.response.status_code': 200 })
    const parts = all.filter(({ parentSpanContext }) => parentSpanContext?.spanId === server?.spanContext().spanId)
    expect(parts.map(({ name }) => name)).toEqual(expect.arrayContaining(['compute', 'queue', 'decode', 'encode']))
    expect(JSON.stringify(all.map(({ name, attributes }) => [name, attributes]))).not.toMatch(/secret|7331/)
  })

  it.each([
    [{}, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://localhost:4318/v1/traces' }, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318', OTEL_SDK_DISABLED: 'true' }, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318', OTEL_TRACES_EXPORTER: 'none' }, false],
  ])('are switched on by %j: %s', (env, on) => expect(wantsTracing(env)).toBe(on))

  it.each([
    undefined,
    '',
    '00-xyz',
    `ff-${'a1'.repeat(16)}-${'b2'.repeat(8)}-01`,
    `00-${'0'.repeat(32)}-${'b2'.repeat(8)}-01`,
    `00-${'a1'.repeat(16)}-${'0'.repeat(16)}-01`,
    `00-${'A1'.repeat(16)}-${'b2'.repeat(8)}-01`,
  ])('begin anew at %s', (header) => expect(parseTraceparent(header)).toBeUndefined())

  it('are written as they are read', () => {
    for (const flags of ['00', '01']) {
      const header = `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-${flags}`
      const read = parseTraceparent(header)
      expect(read && formatTraceparent(read)).toBe(header)
    }
  })
})

describe('the log', () => {
  it('holds no inputs, outputs, tokens or queries, even of what fails', async () => {
    lines.length = 0
    await infer([row('a'), row('b')])
    await infer([row('a', [2, 2], [7331.25, 1, 1, 1]), row('b', [3, 2], [1, 1, 1, 1, 1, 7331.25])])
    await vi.waitFor(() => expect(lines.join('')).toContain('A run failed.'), patiently)
    const log = lines.join('')
    expect(log).toContain('/v2/models/sum/infer')
    expect(log).not.toMatch(/7331|14662|header-secret|query-secret|FP32|2 by 3/)
  })

  it('warns of a model that is not what it says, and not of those whose files are for browsers to fetch', async () => {
    const value = (name: string) => [{ name, type: 'float32' as const, shape: [1] }]
    const specs = { inputs: value('x'), outputs: value('y'), graph: new Uint8Array([1]) }
    for (const name of ['far', 'farther']) {
      const files = [{ path: 'weights', bytes: 3, sha256: '0'.repeat(64), urls: ['https://example.com/weights'] }]
      await writeModel(fixture.modelsDir, { name, ...specs, manifest: { files } })
    }
    const written: { readonly level: number; readonly msg: string }[] = []
    const logger = { level: 'info', stream: { write: (line: string) => written.push(JSON.parse(line)) } }
    const own = await fixture.open({ logger })
    await own.reload()
    const far = written.filter(({ msg }) => msg.includes('far'))
    expect(far.map(({ level }) => level)).toEqual([30, 30, 30])
    expect(far[0]?.msg).toBe('Not run here, as their files lie elsewhere: far, farther.')
    const liar = written.filter(({ msg }) => msg.includes('liar'))
    expect(liar.map(({ level }) => level)).toEqual([40, 40])
  })

  it('takes numbers and quoted text out of messages', () => {
    const written: string[] = []
    const log = createLogger({ stream: { write: (line) => written.push(line) } })
    const cause = new Error('idx=4242 must be within the range [-10,9] of "a secret"')
    log.error({ err: new Error('The model failed', { cause }) }, 'failed')
    expect(written.join('')).toContain('idx=# must be within the range [#,#] of')
    expect(written.join('')).not.toMatch(/4242|a secret/)
  })
})
