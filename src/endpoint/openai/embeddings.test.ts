import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../../testing/endpoint-fixture.ts'
import { writeTinyEmbedder } from '../../testing/tiny-embedder.ts'
import type { Endpoint } from '../create-endpoint.ts'
import { toEmbedding } from './pool-tokens.ts'

let fixture: EndpointFixture
let endpoint: Endpoint
beforeAll(async () => {
  fixture = await openEndpointFixture()
  await writeTinyEmbedder(fixture.modelsDir, 'mean', { pooling: 'mean' })
  await writeTinyEmbedder(fixture.modelsDir, 'unit', { pooling: 'first', normalize: true })
  endpoint = await fixture.open()
})
afterAll(() => fixture.close())

const embed = (body: object, headers: Record<string, string> = {}, at = endpoint) =>
  at.app.inject({
    method: 'POST',
    url: '/v1/embeddings',
    payload: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })

describe('/v1/models', () => {
  it('lists the models that embed, and no others', async () => {
    const { object, data } = (await endpoint.app.inject({ url: '/v1/models' })).json()
    expect(object).toBe('list')
    const model = (id: string) => ({ id, object: 'model', created: expect.any(Number), owned_by: 'hither' })
    expect(data).toEqual([model('mean'), model('unit')])
    expect((await endpoint.app.inject({ url: '/v1/models/unit' })).json()).toEqual(model('unit'))
    const missing = await endpoint.app.inject({ url: '/v1/models/sum' })
    expect([missing.statusCode, missing.json().error.type]).toEqual([404, 'invalid_request_error'])
  })
})

describe('/v1/embeddings', () => {
  it('gives one vector for each text, in their order, and counts the tokens', async () => {
    const response = await embed({ model: 'mean', input: ['Here AND', 'there', 'elsewhere'] })
    expect(response.json()).toEqual({
      object: 'list',
      model: 'mean',
      data: [
        { object: 'embedding', index: 0, embedding: [3.5, 13.5] },
        { object: 'embedding', index: 1, embedding: [Math.fround(11 / 3), Math.fround(49 / 3)] },
        { object: 'embedding', index: 2, embedding: [2, Math.fround(14 / 3)] },
      ],
      usage: { prompt_tokens: 10, total_tokens: 10 },
    })
    expect(response.headers['server-timing']).toMatch(/compute;dur=/)
  })

  it('takes one text, its tokens, and lists of tokens', async () => {
    const vectors = async (input: unknown) =>
      (await embed({ model: 'mean', input })).json().data.map(({ embedding }: { embedding: number[] }) => embedding)
    expect(await vectors('here and')).toEqual([[3.5, 13.5]])
    expect(await vectors([2, 4, 5, 3])).toEqual([[3.5, 13.5]])
    expect(await vectors([[2], [3]])).toEqual([
      [2, 4],
      [3, 9],
    ])
  })

  it('takes null for what is left out, as Python clients write it', async () => {
    const plain = (await embed({ model: 'mean', input: 'here' })).json()
    const nulls = { encoding_format: null, dimensions: null, user: null }
    expect((await embed({ model: 'mean', input: 'here', ...nulls })).json()).toEqual(plain)
  })

  it('answers in base64 of float32 where it is asked to, and scales to length 1 where the manifest says so', async () => {
    const { data } = (await embed({ model: 'unit', input: 'here', encoding_format: 'base64' })).json()
    const bytes = Buffer.from(data[0].embedding, 'base64')
    const [a, b] = [bytes.readFloatLE(0), bytes.readFloatLE(4)]
    expect(bytes).toHaveLength(8)
    expect([a, b]).toEqual([2, 4].map((value) => Math.fround(value / Math.hypot(2, 4))))
  })

  it.each([
    ['a model that embeds nothing', { model: 'sum', input: 'here' }, 400, /does not embed/],
    ['a model that is not there', { model: 'none', input: 'here' }, 404, /no model none/],
    ['no model', { input: 'here' }, 400, /model/],
    ['no input', { model: 'mean' }, 400, /input/],
    ['an input of another kind', { model: 'mean', input: { text: 'here' } }, 400, /input/],
    ['an empty text', { model: 'mean', input: ['here', ''] }, 400, /empty/],
    ['no texts', { model: 'mean', input: [] }, 400, /input/],
    ['more tokens than the model takes', { model: 'mean', input: 'here and there and here' }, 400, /7 tokens.*most 6/],
    ['more text than it takes', { model: 'mean', input: 'x'.repeat(385) }, 400, /385 characters.*most 6/],
    ['a token that the model has not', { model: 'mean', input: [7] }, 400, /below 7/],
    ['a token below 0', { model: 'mean', input: [-1] }, 400, /input/],
    ['too many texts', { model: 'mean', input: Array(2049).fill('here') }, 400, /input/],
    ['fewer dimensions', { model: 'mean', input: 'here', dimensions: 1 }, 400, /2 dimensions/],
    ['another format', { model: 'mean', input: 'here', encoding_format: 'hex' }, 400, /encoding_format/],
  ])('refuses %s in the form of that API', async (_, body, status, message) => {
    const response = await embed(body)
    expect(response.statusCode).toBe(status)
    const { error } = response.json()
    expect(error).toMatchObject({ message: expect.stringMatching(message), type: 'invalid_request_error', param: null })
  })

  it('takes JSON only, and of a bounded size', async () => {
    expect((await embed({ model: 'mean', input: 'here' }, { 'content-type': 'text/plain' })).statusCode).toBe(415)
    const large = await embed({ model: 'mean', input: 'x'.repeat(5 * 1024 * 1024) })
    expect([large.statusCode, large.json().error.type]).toEqual([413, 'invalid_request_error'])
  })

  it('takes a packed request, and packs its answer where that pays', async () => {
    const body = gzipSync(JSON.stringify({ model: 'mean', input: Array(2048).fill('here and') }))
    const response = await endpoint.app.inject({
      method: 'POST',
      url: '/v1/embeddings',
      payload: body,
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', 'accept-encoding': 'gzip' },
    })
    expect([response.statusCode, response.headers['content-encoding']]).toEqual([200, 'gzip'])
    const { data, usage } = JSON.parse(gunzipSync(response.rawPayload).toString())
    expect([data.length, data[2047]]).toEqual([2048, { object: 'embedding', index: 2047, embedding: [3.5, 13.5] }])
    expect(usage.total_tokens).toBe(4 * 2048)
    const bomb = gzipSync(`{"model":"mean","input":"${'x'.repeat(20 * 2 ** 20)}"}`)
    const refused = await endpoint.app.inject({
      method: 'POST',
      url: '/v1/embeddings',
      payload: bomb,
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    })
    expect([refused.statusCode, refused.json().error.type]).toEqual([413, 'invalid_request_error'])
  })

  it('is counted as the model that it asked for', async () => {
    const own = await fixture.open()
    await embed({ model: 'mean', input: 'here' }, {}, own)
    await embed({ model: 'invented', input: 'here' }, {}, own)
    const metrics = async () => (await own.app.inject({ url: '/metrics' })).payload
    await expect.poll(metrics, { timeout: 50_000 }).toContain('hither_requests_total{model="",status="404"} 1')
    expect(await metrics()).toContain('hither_requests_total{model="mean",status="200"} 1')
    expect(await metrics()).toContain('hither_compute_seconds_count{model="mean"} 1')
    expect(await metrics()).not.toContain('invented')
  })

  it('keeps to the rate of a client', async () => {
    const limited = await fixture.open({ rateLimit: { perAddress: 1 } })
    const statuses: number[] = []
    for (let count = 0; count < 11; count += 1) {
      statuses.push((await embed({ model: 'mean', input: 'here' }, {}, limited)).statusCode)
    }
    expect(statuses).toEqual([...Array(10).fill(200), 429])
  })
})

describe('toEmbedding', () => {
  const tensor = { type: 'float32', dims: [1, 2, 2], data: new Float32Array([1, 2, 3, 4]) } as const
  const decoding = { kind: 'embedding', output: 'y' } as const

  it.each([
    ['mean', [2, 3]],
    ['first', [1, 2]],
    ['last', [3, 4]],
  ] as const)('pools tokens: %s', (pooling, vector) => {
    expect(toEmbedding(tensor, { ...decoding, pooling })).toEqual(new Float32Array(vector))
  })

  it('takes a vector that is one already, also of float16', () => {
    const half = { type: 'float16', dims: [1, 2], data: new Uint16Array([0x3c00, 0x4000]) } as const
    expect(toEmbedding(half, { ...decoding, pooling: 'none' })).toEqual(new Float32Array([1, 2]))
  })

  it.each([
    ['nothing', undefined, 'mean'],
    ['one vector', { ...tensor, dims: [1, 4] }, 'mean'],
    ['a vector a token', tensor, 'none'],
    ['two texts', { ...tensor, dims: [2, 1, 2] }, 'first'],
    ['no tokens', { ...tensor, dims: [1, 0, 2], data: new Float32Array() }, 'first'],
  ] as const)('refuses %s where the manifest says otherwise', (_, output, pooling) => {
    expect(() => toEmbedding(output, { ...decoding, pooling })).toThrow(
      expect.objectContaining({ code: 'cloud-failed' }),
    )
  })
})
