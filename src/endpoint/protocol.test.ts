import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TensorMap } from '../contracts/tensor.ts'
import { encodeInferRequest } from '../protocol/infer/infer-request.ts'
import { parseInferResponse } from '../protocol/infer/infer-response.ts'
import { parseServerTiming } from '../protocol/server/server-timing.ts'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import type { Endpoint } from './create-endpoint.ts'

let fixture: EndpointFixture
let endpoint: Endpoint
beforeAll(async () => {
  fixture = await openEndpointFixture()
  endpoint = await fixture.open({ bodyLimitBytes: 100_000 })
})
afterAll(() => fixture.close())

const get = (url: string, headers = {}) => endpoint.app.inject({ url, headers })
const post = (url: string, payload: string | Buffer, headers = {}) =>
  endpoint.app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json', ...headers } })
const infer = (request: unknown, model = 'sum') => post(`/v2/models/${model}/infer`, JSON.stringify(request))

const row = (name: string, ...data: number[]) => ({ name, shape: [1, 2], datatype: 'FP32', data })
const inputs = [row('a', 1, 2), row('b', 10, 20)]

describe('health and metadata', () => {
  it.each([
    [
      '/v2',
      {
        name: 'hither',
        version: expect.any(String),
        extensions: expect.arrayContaining(['binary_tensor_data', 'classification', 'statistics']),
      },
    ],
    ['/v2/health/live', { live: true }],
    ['/v2/health/ready', { ready: true }],
    ['/v2/models/sum/ready', { name: 'sum', ready: true }],
    ['/v2/models/sum/versions/r0/ready', { name: 'sum', ready: true }],
  ])('%s', async (url, expected) => {
    const response = await get(url)
    expect(response.statusCode).toBe(200)
    expect(response.json()).toEqual(expected)
    expect(response.headers['cache-control']).toBe('no-store')
  })

  it.each(['/v2/models/sum', '/v2/models/sum/versions/r0'])('%s says what the model takes', async (url) => {
    const rows = (name: string) => ({ name, datatype: 'FP32', shape: [-1, 2] })
    expect((await get(url)).json()).toEqual({
      name: 'sum',
      versions: ['r1', 'r0'],
      platform: 'onnx_onnxv1',
      inputs: [rows('a'), rows('b')],
      outputs: [rows('y')],
    })
  })

  it('says that a model whose file is not what its manifest says is not ready, and why', async () => {
    const response = await get('/v2/models/liar/ready')
    expect(response.statusCode).toBe(503)
    expect(response.json()).toMatchObject({ ready: false, error: expect.stringContaining('is not the file') })
    expect((await infer({ inputs }, 'liar')).statusCode).toBe(503)
  })

  it.each([
    '/v2/models/none',
    '/v2/models/none/ready',
    '/v2/models/sum/versions/r9',
    '/v2/models/__proto__',
    '/v2/nothing',
  ])('%s is not found', async (url) => {
    const response = await get(url)
    expect(response.statusCode).toBe(404)
    expect(response.json()).toEqual({ error: expect.any(String) })
  })
})

describe('infer', () => {
  it('answers JSON with JSON, with the id, the version and the timing', async () => {
    const response = await infer({ id: 'seven', inputs })
    expect(response.json()).toEqual({
      id: 'seven',
      model_name: 'sum',
      model_version: 'r1',
      outputs: [{ name: 'y', shape: [1, 2], datatype: 'FP32', data: [11, 22] }],
    })
    const timing = parseServerTiming(String(response.headers['server-timing']))
    expect([...timing.keys()]).toEqual(expect.arrayContaining(['queue', 'compute', 'total']))
    expect(timing.get('total')).toBeGreaterThanOrEqual((timing.get('queue') ?? 0) + (timing.get('compute') ?? 0))
  })

  it('runs the version that the path names', async () => {
    const response = await post('/v2/models/sum/versions/r0/infer', JSON.stringify({ inputs }))
    expect(response.json()).toMatchObject({ model_version: 'r0' })
  })

  it('answers every kind of tensor as it came, mixed and odd in size', async () => {
    const tensors: TensorMap = {
      'bool-in': { type: 'bool', dims: [3], data: new Uint8Array([1, 0, 1]) },
      'uint8-in': { type: 'uint8', dims: [1], data: new Uint8Array([0x20]) },
      'float16-in': { type: 'float16', dims: [1], data: new Uint16Array([0x7e01]) },
      'float32-in': { type: 'float32', dims: [2], data: new Float32Array([Number.NaN, Number.POSITIVE_INFINITY]) },
      'int64-in': { type: 'int64', dims: [1], data: new BigInt64Array([-(2n ** 63n)]) },
      'string-in': { type: 'string', dims: [2], data: ['', 'ü'] },
    }
    const out = Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [name.replace('-in', '-out'), tensor]),
    )
    for (const binary of [true, (name: string) => name === 'bool-in' || name === 'float32-in']) {
      const request = encodeInferRequest({ inputs: tensors, binary })
      const response = await post('/v2/models/id/infer', Buffer.from(request.body), request.headers)
      expect(response.statusCode).toBe(200)
      expect(parseInferResponse(response.rawPayload).outputs).toEqual(out)
    }
  })

  it('sends each output as it is asked for', async () => {
    const one = (name: string, datatype: string, data: unknown[]) => ({
      name: `${name}-in`,
      shape: [1],
      datatype,
      data,
    })
    const all = [
      one('bool', 'BOOL', [true]),
      one('uint8', 'UINT8', [7]),
      one('float16', 'FP16', [0.5]),
      one('float32', 'FP32', [1.5]),
      one('int64', 'INT64', [-9]),
      one('string', 'BYTES', ['a']),
    ]
    const outputs = [
      { name: 'int64-out', parameters: { binary_data: false } },
      { name: 'uint8-out' },
      { name: 'float16-out', parameters: { binary_data: false } },
    ]
    const response = await infer({ inputs: all, outputs, parameters: { binary_data_output: true } }, 'id')
    const head = Number(response.headers['inference-header-content-length'])
    expect(JSON.parse(response.rawPayload.subarray(0, head).toString()).outputs).toEqual([
      { name: 'int64-out', shape: [1], datatype: 'INT64', data: [-9] },
      { name: 'uint8-out', shape: [1], datatype: 'UINT8', parameters: { binary_data_size: 1 } },
      { name: 'float16-out', shape: [1], datatype: 'FP16', data: [0.5] },
    ])
    expect([...response.rawPayload.subarray(head)]).toEqual([7])
  })

  it('says so when an answer can not be carried in JSON', async () => {
    const huge = row('a', 3e38, 3e38)
    const response = await infer({ inputs: [huge, { ...huge, name: 'b' }] })
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toMatch(/ask for binary data/)
  })

  it.each([
    ['no JSON', '{', 400, /ends before/],
    ['an empty body', '', 400, /JSON object/],
    ['a missing input', { inputs: [inputs[0]] }, 400, /needs the input "b"/],
    ['an input too many', { inputs: [...inputs, row('c', 1, 2)] }, 400, /no input "c"/],
    ['another type', { inputs: [inputs[0], { ...row('b', 1, 2), datatype: 'FP64' }] }, 400, /must be float32/],
    ['another shape', { inputs: [inputs[0], { ...row('b', 1, 2), shape: [2, 1] }] }, 400, /must have shape/],
    [
      'a batch of 257',
      { inputs: [{ ...inputs[0], shape: [257, 2], data: Array(514).fill(0) }, inputs[1]] },
      400,
      /256 at a time/,
    ],
    ['data that does not fit its shape', { inputs: [{ ...inputs[0], data: [1] }, inputs[1]] }, 400, /2 elements/],
    ['an unknown output', { inputs, outputs: [{ name: 'z' }] }, 400, /no output z/],
    ['a negative dimension', { inputs: [{ ...inputs[0], shape: [-1, 2] }, inputs[1]] }, 400, /not possible/],
    ['a body over the limit', { inputs, id: 'x'.repeat(200_000) }, 413, /larger than/],
    [
      'batches that do not fit each other',
      {
        inputs: [
          { ...inputs[0], shape: [2, 2], data: [1, 2, 3, 4] },
          { ...inputs[1], shape: [3, 2], data: [1, 2, 3, 4, 5, 6] },
        ],
      },
      500,
      /failed on these inputs/,
    ],
  ])('refuses %s, and answers the next request', async (_, request, status, error) => {
    const response = await post('/v2/models/sum/infer', typeof request === 'string' ? request : JSON.stringify(request))
    expect({ status: response.statusCode, body: response.json() }).toEqual({
      status,
      body: { error: expect.stringMatching(error) },
    })
    expect((await infer({ inputs })).statusCode).toBe(200)
  })

  it.each([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['plain text, which a page may send anywhere', { 'content-type': 'text/plain' }, 415],
    ['a body that is no gzip', { 'content-encoding': 'gzip' }, 400],
    ['a brotli body', { 'content-encoding': 'br' }, 415],
    ['a header length that is none', { 'inference-header-content-length': '1e3' }, 400],
    ['a negative header length', { 'inference-header-content-length': '-1' }, 400],
    ['a header length of 0', { 'inference-header-content-length': '0' }, 400],
    ['a header length beyond every integer', { 'inference-header-content-length': '9'.repeat(30) }, 400],
  ])('refuses %s', async (_, headers, status) => {
    const response = await post('/v2/models/sum/infer', JSON.stringify({ inputs }), headers)
    expect(response.statusCode).toBe(status)
    expect(response.json()).toEqual({ error: expect.any(String) })
  })

  it.each([
    ['a text with a NUL, which the runtime cuts', 'string', { data: ['a\0b'] }, /a NUL character in its text 0/],
    ['a whole number beyond 2^53', 'int64', { data: [2 ** 53] }, /Element 0 is a whole number beyond 2\^53/],
    [
      'an input in shared memory',
      'int64',
      { data: undefined, parameters: { shared_memory_region: 'r', shared_memory_byte_size: 8 } },
      /int64-in: shared memory is not supported/,
    ],
  ])('refuses %s, rather than to run another input', async (_, kind, changed, error) => {
    const kinds = { bool: 'BOOL', uint8: 'UINT8', float16: 'FP16', float32: 'FP32', int64: 'INT64', string: 'BYTES' }
    const all = Object.entries(kinds).map(([name, datatype]) => ({
      name: `${name}-in`,
      shape: [1],
      datatype,
      data: [name === 'string' ? 'a' : 1],
      ...(name === kind ? changed : {}),
    }))
    const response = await infer({ inputs: all }, 'id')
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toMatch(error)
  })

  it('refuses a text with a NUL that comes as binary data', async () => {
    const texts = { 'string-in': { type: 'string', dims: [1], data: ['a\0b'] } } as const
    const others: TensorMap = {
      'bool-in': { type: 'bool', dims: [1], data: new Uint8Array(1) },
      'uint8-in': { type: 'uint8', dims: [1], data: new Uint8Array(1) },
      'float16-in': { type: 'float16', dims: [1], data: new Uint16Array(1) },
      'float32-in': { type: 'float32', dims: [1], data: new Float32Array(1) },
      'int64-in': { type: 'int64', dims: [1], data: new BigInt64Array(1) },
    }
    const request = encodeInferRequest({ inputs: { ...others, ...texts }, binary: true })
    const response = await post('/v2/models/id/infer', Buffer.from(request.body), request.headers)
    expect([response.statusCode, response.json().error]).toEqual([400, expect.stringMatching(/has a NUL/)])
  })

  it('refuses an output in shared memory, which it would not write', async () => {
    const outputs = [{ name: 'y', parameters: { shared_memory_region: 'r', shared_memory_byte_size: 8 } }]
    const response = await infer({ inputs, outputs })
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toMatch(/y: shared memory is not supported .*in the body/)
  })

  it('answers an unknown model with 404', async () => {
    expect((await infer({ inputs }, 'none')).statusCode).toBe(404)
  })
})
