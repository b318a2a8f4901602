import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { writeModel } from '../testing/write-model.ts'
import type { Endpoint } from './create-endpoint.ts'

const value = (name: string, shape: number[]) => [{ name, type: 'float32' as const, shape }]
const copy = (shape: number[]) => ({
  inputs: value('x', shape),
  outputs: value('y', shape),
  graph: tinyOnnx({
    inputs: value('x', shape),
    outputs: value('y', shape),
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
  }),
})
const double = {
  ...copy([-1, 3]),
  graph: tinyOnnx({
    inputs: value('x', [-1, 3]),
    outputs: value('y', [-1, 3]),
    nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
  }),
}

let fixture: EndpointFixture
let endpoint: Endpoint
beforeAll(async () => {
  fixture = await openEndpointFixture()
  await writeModel(fixture.modelsDir, { name: 'row', ...copy([-1, 3]), manifest: { labels: ['no', 'may:be', 'yes'] } })
  await writeModel(fixture.modelsDir, { name: 'free', ...copy([-1, -1]) })
  await writeModel(fixture.modelsDir, { name: 'wide', ...copy([-1, 10_000]) })
  endpoint = await fixture.open({ openRepository: true })
})
afterAll(() => fixture.close())

const post = (url: string, payload: string | Buffer, headers: Record<string, string> = {}) =>
  endpoint.app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json', ...headers } })
const row = (...data: number[]) => ({ name: 'x', shape: [data.length / 3, 3], datatype: 'FP32', data })
const infer = (inputs: unknown[], more = {}, model = 'row') =>
  post(`/v2/models/${model}/infer`, JSON.stringify({ inputs, ...more }))
const floats = (...values: number[]) => Buffer.from(new Float32Array(values).buffer)

describe('a raw request', () => {
  const raw = (model: string, body: Buffer) =>
    post(`/v2/models/${model}/infer`, body, {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': '0',
    })

  it('is one tensor, and is answered with binary ones', async () => {
    const response = await raw('row', floats(1, 2, 3, 4, 5, 6))
    expect(response.statusCode).toBe(200)
    const head = Number(response.headers['inference-header-content-length'])
    expect(JSON.parse(response.rawPayload.subarray(0, head).toString()).outputs[0].shape).toEqual([2, 3])
    expect(response.rawPayload.subarray(head)).toEqual(floats(1, 2, 3, 4, 5, 6))
  })

  it.each([
    ['two inputs', 'sum', floats(1, 2)],
    ['two free dimensions', 'free', floats(1, 2)],
    ['bytes that make no row', 'row', floats(1, 2)],
    ['no bytes of a row', 'row', Buffer.alloc(5)],
  ])('is refused with %s', async (_, model, body) => {
    expect((await raw(model, body)).statusCode).toBe(400)
  })
})

describe('packed bodies', () => {
  const body = JSON.stringify({ inputs: [row(1, 2, 3)] })

  it.each([
    ['gzip', gzipSync(body)],
    ['deflate', deflateSync(body)],
    ['GZIP', gzipSync(body)],
    ['identity', Buffer.from(body)],
  ])('are taken in %s', async (encoding, packed) => {
    const response = await post('/v2/models/row/infer', packed, { 'content-encoding': encoding })
    expect(response.json().outputs[0].data).toEqual([1, 2, 3])
  })

  it.each([
    ['cut', gzipSync(body).subarray(0, -9)],
    ['of nonsense', Buffer.from('no gzip at all')],
    ['that say nothing', Buffer.alloc(0)],
  ])('are refused when %s', async (_, packed) => {
    expect((await post('/v2/models/row/infer', packed, { 'content-encoding': 'gzip' })).statusCode).toBe(400)
  })

  it('are sent where the client takes them and they are smaller', async () => {
    const inputs = [{ name: 'x', shape: [1, 10_000], datatype: 'FP32', data: Array(10_000).fill(0.5) }]
    const ask = (accept: string) =>
      post('/v2/models/wide/infer', JSON.stringify({ inputs }), { 'accept-encoding': accept })
    const plain = (await ask('identity')).rawPayload
    for (const [accept, unpack] of [
      ['gzip, deflate, br', gunzipSync],
      ['gzip;q=0.1, deflate', inflateSync],
    ] as const) {
      const { headers, rawPayload } = await ask(accept)
      expect(headers['content-encoding']).toBe(accept.startsWith('gzip,') ? 'gzip' : 'deflate')
      expect(headers.vary).toContain('Accept-Encoding')
      expect(rawPayload.length).toBeLessThan(plain.length / 4)
      expect(unpack(rawPayload)).toEqual(plain)
    }
    for (const accept of ['', 'br', 'gzip;q=0'])
      expect((await ask(accept)).headers).not.toHaveProperty('content-encoding')
  })

  it('are not sent of noise', async () => {
    const noise = Float32Array.from({ length: 10_000 }, (_, index) => Math.sin(index * index) * 1e3)
    const head = JSON.stringify({
      inputs: [{ name: 'x', shape: [1, 10_000], datatype: 'FP32', parameters: { binary_data_size: 40_000 } }],
      parameters: { binary_data_output: true },
    })
    const response = await post(
      '/v2/models/wide/infer',
      Buffer.concat([Buffer.from(head), Buffer.from(noise.buffer)]),
      {
        'content-type': 'application/octet-stream',
        'inference-header-content-length': String(head.length),
        'accept-encoding': 'gzip',
      },
    )
    expect(response.statusCode).toBe(200)
    expect(response.headers).not.toHaveProperty('content-encoding')
  })
})

describe('classes', () => {
  const classes = async (count: number, data: number[]) =>
    (await infer([row(...data)], { outputs: [{ name: 'y', parameters: { classification: count } }] })).json().outputs[0]

  it('are the highest values of each row, with their labels', async () => {
    expect(await classes(2, [0.1, 3, 2, 9, -1, 8.5])).toEqual({
      name: 'y',
      datatype: 'BYTES',
      shape: [2, 2],
      data: ['3:1:may:be', '2:2:yes', '9:0:no', '8.5:2:yes'],
    })
  })

  it('are as many as there are, and equal ones keep their order', async () => {
    expect((await classes(5, [1, 1, 1])).data).toEqual(['1:0:no', '1:1:may:be', '1:2:yes'])
  })

  it('are the tensor itself for 0', async () => {
    expect((await classes(0, [1, 2, 3])).datatype).toBe('FP32')
  })

  it('are refused beyond a thousand', async () => {
    const response = await infer([row(1, 2, 3)], { outputs: [{ name: 'y', parameters: { classification: 1001 } }] })
    expect(response.statusCode).toBe(400)
  })
})

describe('BF16', () => {
  it('is taken where the model takes FP32', async () => {
    const head = JSON.stringify({
      inputs: [{ name: 'x', shape: [1, 3], datatype: 'BF16', parameters: { binary_data_size: 6 } }],
    })
    const bits = Buffer.from(new Uint16Array([0x3f80, 0xc000, 0x7f80]).buffer)
    const response = await post('/v2/models/row/infer', Buffer.concat([Buffer.from(head), bits]), {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    })
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toMatch(/binary data/)
    const finite = Buffer.from(new Uint16Array([0x3f80, 0xc000, 0x3e80]).buffer)
    const taken = await post('/v2/models/row/infer', Buffer.concat([Buffer.from(head), finite]), {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
    })
    expect(taken.json().outputs[0].data).toEqual([1, -2, 0.25])
  })
})

describe('a body without a type', () => {
  const send = (headers: Record<string, string>) =>
    endpoint.app.inject({
      method: 'POST',
      url: '/v2/models/row/infer',
      payload: Buffer.from(JSON.stringify({ inputs: [row(1, 2, 3)] })),
      headers,
    })
  it('is taken from a program, and not from a page', async () => {
    expect((await send({})).statusCode).toBe(200)
    expect((await send({ origin: 'https://evil.test' })).statusCode).toBe(403)
  })
})

describe('statistics', () => {
  it('count what was answered and what was not', async () => {
    const read = async () => (await endpoint.app.inject({ url: '/v2/models/row/stats' })).json().model_stats[0]
    const before = await read()
    await infer([row(1, 2, 3)])
    await infer([{ ...row(1, 2, 3), name: 'z' }])
    const after = await read()
    expect(after).toMatchObject({ name: 'row', version: 'r1' })
    expect(after.inference_count).toBe(before.inference_count + 1)
    expect(after.inference_stats.success.count).toBe(before.inference_stats.success.count + 1)
    expect(after.inference_stats.fail.count).toBe(before.inference_stats.fail.count + 1)
    expect(after.inference_stats.compute_infer.ns).toBeGreaterThan(before.inference_stats.compute_infer.ns)
    const all = (await endpoint.app.inject({ url: '/v2/models/stats' })).json().model_stats
    expect(all.map(({ name }: { name: string }) => name)).toContain('sum')
    expect((await endpoint.app.inject({ url: '/v2/models/none/stats' })).statusCode).toBe(404)
    expect((await endpoint.app.inject({ url: '/v2/models/row/versions/r1/stats' })).json().model_stats).toHaveLength(1)
  })
})

describe('the repository', () => {
  const change = (what: string, model: string, body = '{}') => post(`/v2/repository/models/${model}/${what}`, body)
  const state = async (model: string) => {
    const index = (await post('/v2/repository/index', '{}')).json() as {
      name: string
      state: string
      reason?: string
    }[]
    return index.find(({ name }) => name === model)
  }

  it('lists what runs and what does not, with the reason', async () => {
    expect(await state('row')).toEqual({ name: 'row', version: 'r1', state: 'READY' })
    expect(await state('liar')).toMatchObject({ state: 'UNAVAILABLE', reason: expect.stringMatching(/not served/) })
    const ready = (await post('/v2/repository/index', '{"ready":true}')).json() as { state: string }[]
    expect(ready.every((each) => each.state === 'READY')).toBe(true)
    const all = await post('/v2/repository/index', '{}')
    expect((await post('/v2/repository/index', '{"ready":null}')).json()).toEqual(all.json())
    expect((await post('/v2/repository/index', 'null')).json()).toEqual(all.json())
  })

  it('unloads, loads again, and takes the new files without a restart', async () => {
    await writeModel(fixture.modelsDir, { name: 'fresh', ...copy([-1, 3]) })
    expect((await infer([row(1, 2, 3)], {}, 'fresh')).statusCode).toBe(404)
    expect((await change('load', 'fresh')).statusCode).toBe(200)
    expect((await infer([row(1, 2, 3)], {}, 'fresh')).json().outputs[0].data).toEqual([1, 2, 3])
    await writeModel(fixture.modelsDir, { name: 'fresh', ...double })
    expect((await change('load', 'fresh')).statusCode).toBe(200)
    expect((await infer([row(1, 2, 3)], {}, 'fresh')).json().outputs[0].data).toEqual([2, 4, 6])
    expect((await change('load', 'fresh', '{"parameters":{"config":null}}')).statusCode).toBe(200)
    expect((await change('load', 'fresh', '{"parameters":null}')).statusCode).toBe(200)
    expect((await change('unload', 'fresh', '{"parameters":{"unload_dependents":false}}')).statusCode).toBe(200)
    expect((await infer([row(1, 2, 3)], {}, 'fresh')).statusCode).toBe(503)
    expect(await state('fresh')).toMatchObject({ state: 'UNAVAILABLE' })
    expect((await change('load', 'fresh')).statusCode).toBe(200)
    expect((await infer([row(1, 2, 3)], {}, 'fresh')).statusCode).toBe(200)
  })

  it('case 43: goes on with what it had when the new files are not what their manifest says, and drops a withdrawn model', async () => {
    const model = { name: 'changing', ...copy([-1, 3]) }
    await writeModel(fixture.modelsDir, model)
    await change('load', 'changing')
    const files = [{ path: 'model.onnx', bytes: model.graph.length, sha256: '0'.repeat(64) }]
    await writeModel(fixture.modelsDir, { ...model, graph: double.graph, manifest: { files } })
    const refused = await change('load', 'changing')
    expect(refused.statusCode).toBe(400)
    expect(refused.json().error).toMatch(/not the file that its manifest describes|bytes, and its manifest says/)
    expect((await infer([row(1, 2, 3)], {}, 'changing')).json().outputs[0].data).toEqual([1, 2, 3])
    await rm(join(fixture.modelsDir, 'changing'), { recursive: true })
    expect((await change('load', 'changing')).statusCode).toBe(404)
    expect((await infer([row(1, 2, 3)], {}, 'changing')).statusCode).toBe(404)
  })

  it('takes no files and no addresses from a request, and is closed unless it was opened', async () => {
    const parameters = { config: '{"platform":"onnx"}', 'file:1/model.onnx': 'http://127.0.0.1:1/model.onnx' }
    expect((await change('load', 'row', JSON.stringify({ parameters }))).statusCode).toBe(400)
    expect((await change('unload', 'none')).statusCode).toBe(404)
    const closed = await fixture.open()
    for (const what of ['load', 'unload']) {
      const url = `/v2/repository/models/row/${what}`
      const response = await closed.app.inject({
        method: 'POST',
        url,
        payload: '{}',
        headers: { 'content-type': 'application/json' },
      })
      expect(response.statusCode).toBe(403)
    }
  })

  it('reads the whole folder again when it is told to', async () => {
    await writeModel(fixture.modelsDir, { name: 'late', ...copy([-1, 3]) })
    await endpoint.reload()
    expect((await infer([row(1, 2, 3)], {}, 'late')).statusCode).toBe(200)
  })
})

describe('the capacity', () => {
  it('tells workers, queue and times of each model', async () => {
    await infer([row(1, 2, 3)])
    const capacity = (await endpoint.app.inject({ url: '/hither/v1/capacity' })).json()
    expect(capacity).toMatchObject({ format: 1, workers: 1, busy: 0, waiting: 0, waitMs: 0, draining: false })
    const model = capacity.models.find(({ name }: { name: string }) => name === 'row')
    expect(model.serviceMs.mean).toBeGreaterThan(0)
    expect(model.predictedMs).toBeGreaterThan(0)
  })
})
