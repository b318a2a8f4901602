import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Beside, openBeside } from '../../testing/beside.ts'
import type { BesideUpstream } from '../../testing/beside-methods.ts'
import { watched } from '../../testing/longest-turn.ts'
import { createEndpoint, type Endpoint } from '../create-endpoint.ts'
import { openGateway } from './open-gateway.ts'

const json = { 'Content-Type': 'application/json' }
const infer = '/v2/models/copy/infer'
const chat = '/v1/chat/completions'

let beside: Beside
const endpoints: Endpoint[] = []
beforeAll(() => {
  beside = openBeside()
})
afterEach(async () => {
  for (const endpoint of endpoints.splice(0)) await endpoint.close()
})
afterAll(() => beside.close())

/** JSON of so many numbers, as a request's inputs or an answer's outputs. */
const tensor = (key: 'inputs' | 'outputs', count: number) => ({
  before: `{"${key}":[{"name":"${key === 'inputs' ? 'x' : 'y'}","datatype":"FP32","shape":[${count}],"data":[`,
  item: '0.5,',
  times: count,
  after: ']}]}',
})
const one = Buffer.from('{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}')
const binaryOutput = ',"outputs":[{"name":"y","parameters":{"binary_data":true}}]'

async function open(upstream: Partial<BesideUpstream> = {}) {
  const address = await beside.upstream({ answer: tensor('outputs', 1), ...upstream })
  const endpoint = await createEndpoint({ ...(await openGateway({ upstreams: [address] })), logger: false })
  endpoints.push(endpoint)
  const url = `http://127.0.0.1:${(await endpoint.listen({ port: 0, host: '127.0.0.1' })).port}`
  const { before, item, after } = tensor('inputs', 20_000)
  // What a process does once is no request's: the threads, the first of each kind of code.
  await beside.ask(`${url}${infer}`, json, Buffer.from(`${before}${item.repeat(19_999)}1${after}`))
  const keys = ',"":0'.repeat(20_000)
  await beside.ask(`${url}${chat}`, json, Buffer.from(`{"model":"parrot"${keys}}`))
  return (path: string, headers: Record<string, string>, body: Uint8Array) =>
    watched(() => beside.ask(`${url}${path}`, headers, body))
}

/** A request of so many zeros as binary data. */
function zeros(count: number): readonly [Record<string, string>, Buffer] {
  const head = `{"inputs":[{"name":"x","datatype":"FP32","shape":[${count}],"parameters":{"binary_data_size":${4 * count}}}]}`
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Inference-Header-Content-Length': String(head.length),
  }
  return [headers, Buffer.concat([Buffer.from(head), Buffer.alloc(4 * count)])]
}

describe('a large request through the gateway leaves the event loop to others', () => {
  it('with binary data for an upstream that takes JSON only', async () => {
    const ask = await open()
    expect((await ask(infer, ...zeros(2_000_000))).status).toBe(200)
  })

  it('with numbers as JSON for such an upstream', async () => {
    const ask = await open()
    const { before, item, times, after } = tensor('inputs', 2_000_000)
    const body = Buffer.from(`${before}${item.repeat(times - 1)}1${after}`)
    expect((await ask(infer, json, body)).status).toBe(200)
  })

  it('with binary data for an upstream that takes it', async () => {
    const ask = await open({ binary: true })
    expect((await ask(infer, ...zeros(15_000_000))).status).toBe(200)
  })

  it.each([
    ['one long text', `"${'a'.repeat(60_000_000)}"`],
    ['many texts', `[${'"",'.repeat(170_000)}""]`],
    ['many keys', `{${'"":0,'.repeat(5_000_000)}"":0}`],
  ])('of the OpenAI API, with %s', async (_, value) => {
    const ask = await open()
    expect((await ask(chat, json, Buffer.from(`{"model":"parrot","x":${value}}`))).status).toBe(200)
  })

  it.each([100_000, 1_000_000])('of the OpenAI API, with %i keys beside the model', async (count) => {
    const ask = await open()
    const { status } = await ask(chat, json, Buffer.from(`{"model":"parrot"${',"":0'.repeat(count)}}`))
    expect(status).toBe(200)
  })
})

describe('a large answer through the gateway leaves the event loop to others', () => {
  it('with numbers as JSON', async () => {
    const ask = await open({ answer: tensor('outputs', 2_000_000) })
    const { status, body } = await ask(infer, json, one)
    expect(status).toBe(200)
    expect(body.length).toBeGreaterThan(8_000_000)
  })

  it('with binary data', async () => {
    const bytes = 120_000_000
    const parameters = `"parameters":{"binary_data_size":${bytes}}`
    const before = `{"outputs":[{"name":"y","datatype":"FP32","shape":[${bytes / 4}],${parameters}}]}`
    const ask = await open({ binary: true, answer: { before, item: '', times: 0, after: '' }, tailBytes: bytes })
    const { status, body } = await ask(infer, json, Buffer.from(`${one.toString().slice(0, -1)}${binaryOutput}}`))
    expect(status).toBe(200)
    expect(body.length).toBeGreaterThan(bytes)
  })

  it('of the OpenAI API', async () => {
    const ask = await open({ answer: tensor('outputs', 8_000_000) })
    const { status, body } = await ask(chat, json, Buffer.from('{"model":"parrot"}'))
    expect([status, body.length > 30_000_000]).toEqual([200, true])
  })

  it('and is refused where it holds more than is read, which counts against no upstream', async () => {
    const ask = await open({ answer: { ...tensor('outputs', 1), item: '{},', times: 5_000_000 } })
    const { status, body } = await ask(infer, json, one)
    expect([status, Buffer.from(body).toString()]).toEqual([502, expect.stringMatching(/an object in the data/)])
  })
})
