import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { opsPath } from '../contracts/ops.ts'
import { reportsPath } from '../contracts/report.ts'
import { requestLimits } from '../protocol/infer/infer-request.ts'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { watched } from '../testing/longest-turn.ts'
import { writeTinyEmbedder } from '../testing/tiny-embedder.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { writeModel } from '../testing/write-model.ts'
import { answerLimits } from './codec/answer-limits.ts'
import type { Endpoint } from './create-endpoint.ts'
import { openReports } from './reports/open-reports.ts'

const mebibyte = 2 ** 20

let fixture: EndpointFixture
let url = ''
let dataDir = ''
beforeAll(async () => {
  fixture = await openEndpointFixture()
  for (const type of ['float32', 'bool', 'string'] as const) {
    const specs = { inputs: [{ name: 'x', type, shape: [-1] }], outputs: [{ name: 'y', type, shape: [-1] }] }
    const nodes = [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }]
    await writeModel(fixture.modelsDir, { name: `copy-${type}`, ...specs, graph: tinyOnnx({ ...specs, nodes }) })
  }
  const wide = {
    inputs: [{ name: 'x', type: 'float32' as const, shape: [-1] }],
    outputs: [{ name: 'y', type: 'float32' as const, shape: [50_000_000] }],
  }
  const graph = tinyOnnx({
    ...wide,
    nodes: [{ op: 'Reshape', inputs: ['x', 'size'], outputs: ['y'] }],
    initializers: [{ name: 'size', type: 'int64', dims: [1], data: BigInt64Array.of(50_000_000n) }],
  })
  await writeModel(fixture.modelsDir, { name: 'fifty-million', ...wide, graph })
  await writeTinyEmbedder(fixture.modelsDir, 'long', { pooling: 'mean' }, { maxTokens: 8_000 })
  dataDir = await mkdtemp(join(tmpdir(), 'hither-loop-'))
  const endpoint: Endpoint = await fixture.open({ plugins: [await openReports({ dataDir, openOps: true })] })
  url = `http://127.0.0.1:${(await endpoint.listen({ port: 0, host: '127.0.0.1' })).port}`
  // What a process does once is no request's: the first thread, the first of each kind of code.
  await post(
    'copy-float32',
    packed('{"inputs":[{"name":"x","shape":[40000],"datatype":"FP32","data":[', '0,', 40_000, ']}]}'),
  )
})
afterAll(async () => {
  await fixture.close()
  await rm(dataDir, { recursive: true })
})

/** `item` so many times between two texts, gzipped. A comma at its end is left out the last time. */
function packed(before: string, item: string, times: number, after: string): Buffer {
  const items = item.repeat(times)
  return gzipSync(`${before}${items.endsWith(',') ? items.slice(0, -1) : items}${after}`, { level: 1 })
}

async function post(model: string, body: Buffer, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Content-Encoding': 'gzip',
      'Accept-Encoding': 'identity',
      ...headers,
    },
    body: new Uint8Array(body),
  })
  let bytes = 0
  let text = ''
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes < 2000) text += Buffer.from(chunk).toString()
  }
  return { status: response.status, bytes, text }
}

const headOf = (head: string) => ({
  'Content-Type': 'application/octet-stream',
  'Inference-Header-Content-Length': String(head.length),
})

const tensor = (datatype: string, shape: number, rest: string) =>
  `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[${shape}]${rest}`
const inData = tensor('FP32', 1, ',"data":[')

describe('JSON that would take gigabytes', () => {
  it.each([
    ['objects', inData, '{},', ']}]}', /an object in the data/],
    ['arrays', inData, '[],', ']}]}', /arrays in the data/],
    ['numbers', inData, '0,', ']}]}', /more than 16777216 values/],
    ['empty texts', tensor('BYTES', 1, ',"data":['), '"",', ']}]}', /more than 100000 texts/],
    ['keys', tensor('FP32', 1, ',"data":[1],"parameters":{'), '"a":0,', '}}]}', /beside the data/],
    ['a shape', '{"inputs":[{"name":"x","datatype":"FP32","data":[1],"shape":[', '1,', ']}]}', /beside the data/],
    ['tensors', '{"inputs":[', '{"name":"x"},', ']}', /beside the data/],
    ['outputs', '{"outputs":[', '{"name":"y"},', ']}', /beside the data/],
    ['white space', '{"inputs":', ' ', '[]}', /beside the data/],
    ['a long text', '{"inputs":[],"id":"', 'aaaaaaaa', '"}', /beside the data/],
    ['nesting', inData, '[', '', /more than 100 levels/],
  ])('is refused at once: %s', async (_, before, item, after, reason) => {
    const body = packed(before, item, Math.floor((64 * mebibyte - 200) / item.length), after)
    const { status, text } = await watched(() => post('copy-float32', body))
    expect(status).toBe(400)
    expect(text).toMatch(reason)
  })

  it('is refused where next to nothing is asked', async () => {
    const body = packed('{"x":[', '{},', 20 * mebibyte, ']}')
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }
    const { status } = await watched(() =>
      fetch(`${url}/v2/repository/index`, { method: 'POST', headers, body: new Uint8Array(body) }),
    )
    expect(status).toBe(413)
  })

  it('stops nothing: the next request is answered', async () => {
    expect((await post('copy-float32', packed(inData, '1,', 1, ']}]}'))).status).toBe(200)
  })
})

const asBinary = ',"outputs":[{"name":"y","parameters":{"binary_data":true}}]}'

describe('a large request that is allowed leaves the event loop to others', () => {
  it('with numbers as JSON', async () => {
    const count = 3_000_000
    const body = packed(tensor('FP32', count, ',"data":['), '0.5,', count, `]}]${asBinary}`)
    const { status, bytes } = await watched(() => post('copy-float32', body))
    expect(status).toBe(200)
    expect(bytes).toBeGreaterThan(4 * count)
  })

  it('with flags as binary data', async () => {
    const count = 32 * mebibyte
    const head = `${tensor('BOOL', count, `,"parameters":{"binary_data_size":${count}}`)}}]${asBinary}`
    const body = gzipSync(Buffer.concat([Buffer.from(head), Buffer.alloc(count, 1)]), { level: 1 })
    const { status } = await watched(() => post('copy-bool', body, headOf(head)))
    expect(status).toBe(200)
  })

  it('with as many texts as are taken', async () => {
    const { texts } = requestLimits
    const body = packed(tensor('BYTES', texts, ',"data":['), '"some text here",', texts, ']}]}')
    const { status } = await watched(() => post('copy-string', body))
    expect(status).toBe(200)
  })
})

/** A request of so many zeros as binary data. */
function zeros(count: number, rest: string): readonly [Buffer, Record<string, string>] {
  const head = `${tensor('FP32', count, `,"parameters":{"binary_data_size":${4 * count}}`)}}]${rest}}`
  return [gzipSync(Buffer.concat([Buffer.from(head), Buffer.alloc(4 * count)]), { level: 1 }), headOf(head)]
}

describe('binary data leaves the event loop to others', () => {
  it.each([0, 1])('that begins %i bytes off the place where it can be used', async (off) => {
    const count = 16 * mebibyte - 100
    const json = `${tensor('FP32', count, `,"parameters":{"binary_data_size":${4 * count}}`)}}]${asBinary}`
    const head = json.padEnd(8 * Math.ceil(json.length / 8) + off)
    const body = gzipSync(Buffer.concat([Buffer.from(head), Buffer.alloc(4 * count)]), { level: 1 })
    expect((await watched(() => post('copy-float32', body, headOf(head)))).status).toBe(200)
  })
})

describe('headers and addresses leave the event loop to others', () => {
  const long = (text: string) => text.repeat(Math.floor(14_000 / text.length))
  it.each([
    ['a token', { Authorization: `Bearer ${long('e')}.${'e'.repeat(99)}.e` }],
    ['encodings', { 'Accept-Encoding': long('gzip;q=0.1,') }],
    ['proxies', { 'X-Forwarded-For': long('10.0.0.1,') }],
    ['a trace', { traceparent: long('00-'), tracestate: '' }],
    ['ranges', { Range: `bytes=${long('0-0,')}` }],
    ['white space', { 'Content-Type': `application/json;${long(' ')}` }],
  ] as const)('that hold %s', async (_, headers) => {
    const response = await watched(() => fetch(`${url}/v2/models/stats?${'a=1&'.repeat(300)}`, { headers }))
    expect(response.status).toBeLessThan(500)
  })
})

describe('a large answer leaves the event loop to others', () => {
  it('with numbers as JSON, compressed', async () => {
    const [body, headers] = zeros(2_000_000, '')
    const { status } = await watched(() => post('copy-float32', body, { ...headers, 'Accept-Encoding': 'gzip' }))
    expect(status).toBe(200)
  })

  it('with the highest of many values', async () => {
    const [body, headers] = zeros(4_000_000, ',"outputs":[{"name":"y","parameters":{"classification":3}}]')
    const { status, text } = await watched(() => post('copy-float32', body, headers))
    expect(status).toBe(200)
    expect(JSON.parse(text).outputs[0].data).toEqual(['0:0', '0:1', '0:2'])
  })

  it('and is refused where it has more numbers than are sent as JSON, with what to do', async () => {
    const [body, headers] = zeros(answerLimits.values + 1, '')
    const { status, text } = await watched(() => post('copy-float32', body, headers))
    expect([status, text]).toEqual([400, expect.stringMatching(/y has 8388609 values.*ask for binary data/)])
  })

  it('and is not even run where the manifest says that it has more', async () => {
    const asked = await watched(() => post('fifty-million', packed(inData, '1,', 1, ']}]}')))
    expect([asked.status, asked.text]).toEqual([400, expect.stringMatching(/y has 50000000 values.*ask for binary/)])
    // The graph fails whenever it is run: as binary data so many may be sent.
    expect((await post('fifty-million', packed(inData, '1,', 1, `]}]${asBinary}`))).status).toBe(500)
  })
})

describe('a request of the OpenAI API leaves the event loop to others', () => {
  const embed = (body: string) =>
    fetch(`${url}/v1/embeddings`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body })

  it('with many long texts', async () => {
    const input = Array(60).fill('here and there '.repeat(1_600))
    const body = JSON.stringify({ model: 'long', input })
    const response = await watched(() => embed(body))
    expect([response.status, (await response.json()).usage.total_tokens]).toEqual([200, 60 * 4_802])
  })

  it.each([
    ['as many tokens as are taken', Array(37).fill(Array(8_000).fill(4))],
    ['as many texts as are taken', Array(2_048).fill('here and there')],
  ])('with %s, packed', async (_, input) => {
    const body = gzipSync(JSON.stringify({ model: 'long', input, encoding_format: 'base64' }))
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' }
    const response = await watched(() => fetch(`${url}/v1/embeddings`, { method: 'POST', headers, body }))
    expect([response.status, (await response.json()).data.length]).toEqual([200, input.length])
  })

  it('with as many tokens as the body holds', async () => {
    const body = `{"model":"long","input":[${'1,'.repeat(2_000_000)}1]}`
    const response = await watched(() => embed(body))
    expect([response.status, (await response.json()).error.message]).toEqual([400, expect.stringMatching(/tokens/)])
  })
})

describe('reports leave the event loop to others', () => {
  it('as many as are taken at once, and the overview of all', async () => {
    const reports = () =>
      Array.from({ length: 500 }, () => ({
        id: crypto.randomUUID(),
        atMs: Date.now(),
        kind: 'route',
        model: crypto.randomUUID(),
        revision: crypto.randomUUID(),
        ran: 'edge',
        reason: 'f',
        actualMs: 5,
      }))
    const batches = Array.from({ length: 10 }, () =>
      JSON.stringify({ version: 1, device: crypto.randomUUID(), sentAtMs: Date.now(), reports: reports() }),
    )
    const headers = { 'Content-Type': 'application/json' }
    await watched(async () => {
      for (const body of batches) {
        const response = await fetch(`${url}${reportsPath}`, { method: 'POST', headers, body })
        expect(response.status).toBe(200)
        await response.arrayBuffer()
      }
      expect((await fetch(`${url}${opsPath}/overview?hours=2160`)).status).toBe(200)
    })
  })
})
