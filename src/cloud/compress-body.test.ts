import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { TensorMap } from '../contracts/tensor.ts'
import { parseInferRequest } from '../protocol/infer/infer-request.ts'
import { encodeInferResponse } from '../protocol/infer/infer-response.ts'
import { arm, header, json } from '../testing/cloud-fixture.ts'
import { compressWherePays } from './compress-body.ts'
import { createCloudArm } from './create-cloud-arm.ts'

/** Grows by one millisecond at each look, so that a sample takes one. */
const clock = () => {
  let ms = 0
  return () => (ms += 1)
}

/** Pseudo-random bytes: nothing shrinks them. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  let state = 1
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state >>> 24
  })
}

const ramp = Uint8Array.from({ length: 100_000 }, (_, index) => index >> 9)

describe('compressWherePays', () => {
  it('compresses what shrinks, and it can be read again', async () => {
    const packed = await compressWherePays(ramp, { now: clock() })
    expect(packed?.length).toBeLessThan(ramp.length / 10)
    expect(new Uint8Array(gunzipSync(packed ?? new Uint8Array()))).toEqual(ramp)
  })

  it.each([
    ['noise', noise(100_000), undefined],
    ['what is short', ramp.slice(0, 4000), undefined],
    ['text in front of noise', new Uint8Array([...new Uint8Array(4000), ...noise(100_000)]), undefined],
    ['what a fast link carries before it is packed', ramp, 1e9],
  ])('leaves %s as it is', async (_, body, bitsPerSecond) => {
    expect(await compressWherePays(body, { bitsPerSecond, now: clock() })).toBeUndefined()
  })

  it('compresses for a slow link', async () => {
    expect(await compressWherePays(ramp, { bitsPerSecond: 1e6, now: clock() })).toBeDefined()
  })
})

const inputs: TensorMap = { x: { type: 'uint8', dims: [ramp.length], data: ramp } }
const outputs: TensorMap = { y: { type: 'float32', dims: [1], data: new Float32Array([3]) } }
const infer = '/v2/models/m/infer'
const answer = () => {
  const { body, headers } = encodeInferResponse({ modelName: 'm', outputs, binary: true })
  return new Response(body, { headers })
}
const server = (name: string) => () => json({ name, version: '1', extensions: ['binary_tensor_data'] })

describe('a run', () => {
  it.each(['hither', 'triton'])(
    'sends %s a body that is compressed, with the length of the JSON in it',
    async (name) => {
      const { cloud, bodies } = arm({ '/v2': server(name), [infer]: answer })
      const { requestBytes } = await cloud.run('m', inputs)
      const [init] = bodies()
      const packed = init?.body as Uint8Array
      expect(header(init, 'Content-Encoding')).toBe('gzip')
      expect(requestBytes).toBe(packed.length)
      const body = new Uint8Array(gunzipSync(packed))
      expect(parseInferRequest(body, Number(header(init, 'Inference-Header-Content-Length'))).inputs).toEqual(inputs)
    },
  )

  it.each(['kserve', 'mlserver', 'OpenVINO Model Server', 'unknown'])('compresses nothing for %s', async (name) => {
    const { cloud, bodies } = arm({ '/v2': server(name), [infer]: answer })
    await cloud.run('m', inputs)
    expect(header(bodies()[0], 'Content-Encoding')).toBeNull()
  })

  it('sends it as it is, then and later, to a server that refuses it compressed', async () => {
    const { cloud, bodies } = arm({
      '/v2': server('hither'),
      [infer]: ({ init }) => (header(init, 'Content-Encoding') === null ? answer() : json({}, { status: 415 })),
    })
    await cloud.run('m', inputs)
    await cloud.run('m', inputs)
    expect(bodies().map((init) => header(init, 'Content-Encoding'))).toEqual(['gzip', null, null])
  })

  it('tells Triton the time it has, in microseconds, and the version only where one is asked for', async () => {
    const { cloud, bodies, paths } = arm({ '/v2': server('triton'), '/v2/models/m/versions/7/infer': answer })
    await cloud.run('m', outputs, { timeoutMs: 1500, version: '7' })
    const body = bodies()[0]?.body as Uint8Array
    expect(parseInferRequest(body).parameters).toMatchObject({ timeout: 1_500_000 })
    expect(paths()).toContain('/v2/models/m/versions/7/infer')
  })

  it.each([
    ['uint8', new Uint8Array(12), 12],
    ['float16', new Uint16Array(12), 24],
    ['float32', new Float32Array(12), 48],
  ] as const)('carries %s as the model takes it, not as numbers in text', async (type, data, bytes) => {
    const { cloud, bodies } = arm({ '/v2': server('kserve'), [infer]: answer })
    await cloud.run('m', { x: { type, dims: [12], data } })
    const body = bodies()[0]?.body as Uint8Array
    const head = Number(header(bodies()[0], 'Inference-Header-Content-Length'))
    expect(body.length - head).toBe(bytes)
  })
})

it('counts the bytes of an answer as they came over the wire', async () => {
  const body = JSON.stringify({
    outputs: [{ name: 'y', shape: [1], datatype: 'FP32', data: [3] }],
    padding: ' '.repeat(900),
  })
  const fetch = async (input: RequestInfo | URL) =>
    String(input).endsWith('/v2')
      ? json({ name: 'triton', extensions: [] })
      : new Response(body, { headers: { 'Content-Length': '120' } })
  const { responseBytes } = await createCloudArm({ url: 'https://cloud.test', fetch }).run('m', outputs)
  expect(responseBytes).toBe(120)
})
