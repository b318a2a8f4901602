import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { tinyOnnx } from '../testing/tiny-onnx.ts'
import { writeModel } from '../testing/write-model.ts'
import type { Endpoint } from './create-endpoint.ts'

let fixture: EndpointFixture
let endpoint: Endpoint
let port = 0
beforeAll(async () => {
  fixture = await openEndpointFixture()
  endpoint = await fixture.open()
  port = (await endpoint.listen({ port: 0, host: '127.0.0.1' })).port
})
afterAll(() => fixture.close())

const row = (name: string, more = {}) => ({ name, shape: [1, 2], datatype: 'FP32', data: [1, 2], ...more })
const good = JSON.stringify({ inputs: [row('a'), row('b')] })
const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
  endpoint.app.inject({
    method: 'POST',
    url: '/v2/models/sum/infer',
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  })
const healthy = async () => {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: good }
  expect((await fetch(`http://127.0.0.1:${port}/v2/models/sum/infer`, init)).status).toBe(200)
}

describe('case 42: hostile models', () => {
  it('are refused or fail in a sentence, however they are broken, and the next model runs', async () => {
    const specs = {
      inputs: [{ name: 'x', type: 'float32' as const, shape: [-1, 2] }],
      outputs: [{ name: 'y', type: 'float32' as const, shape: [-1, 2] }],
    }
    const graph = tinyOnnx({ ...specs, nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }] })
    const open = await fixture.open({ openRepository: true })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(graph.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(graph.length),
        async (changes, length) => {
          const broken = graph.slice(0, length < 8 ? length : graph.length)
          for (const [at, byte] of changes) if (at < broken.length) broken[at] = byte
          if (broken.length === 0) return
          await writeModel(fixture.modelsDir, { name: 'broken', ...specs, graph: broken })
          const ask = (url: string, payload: string) =>
            open.app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } })
          await ask('/v2/repository/models/broken/load', '{}')
          const answer = await ask('/v2/models/broken/infer', JSON.stringify({ inputs: [row('x')] }))
          expect([200, 400, 500]).toContain(answer.statusCode)
        },
      ),
      { numRuns: 150 },
    )
    expect(
      (
        await open.app.inject({
          method: 'POST',
          url: '/v2/models/sum/infer',
          payload: good,
          headers: { 'content-type': 'application/json' },
        })
      ).statusCode,
    ).toBe(200)
  }, 60_000)
})

describe('case 44: hostile tensors', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`
  const both = (more: object) => JSON.stringify({ inputs: [row('a', more), row('b')] })

  it.each([
    ['a __proto__ key', `{"__proto__":{"polluted":1},"inputs":${JSON.stringify([row('a'), row('b')])}}`],
    ['a __proto__ key far in', good.replace('"shape"', '"parameters":{"__proto__":1},"shape"')],
    ['a tensor named __proto__', good.replace('"a"', '"__proto__"')],
    ['a size of -1', both({ shape: [-1, 2] })],
    ['a size of 2^63', good.replace('[1,2]', '[9223372036854775808,2]')],
    ['sizes that overflow to the right count', both({ shape: [2 ** 32, 2 ** 32] })],
    ['2^40 of nothing', both({ shape: [2 ** 40, 0], data: [] })],
    ['sizes whose bytes overflow', both({ shape: [2 ** 30, 2], data: [1, 2] })],
    ['a size that is no whole number', both({ shape: [1.5, 2] })],
    ['a size as text', both({ shape: ['1', 2] })],
    ['a thousand dimensions', both({ shape: Array(1000).fill(1) })],
    ['NaN', good.replace('[1,2]}', '[NaN,2]}')],
    ['a number beyond float32', both({ data: [1e39, 2] })],
    ['nothing in place of a number', both({ data: [null, 2] })],
    ['nesting beyond the limit', good.replace('"data":[1,2]', `"data":${nested(101)}`)],
    ['nesting of a hundred thousand', nested(100_000).slice(0, 200_000)],
    ['a name twice', JSON.stringify({ inputs: [row('a'), row('a')] })],
    ['an output twice', JSON.stringify({ inputs: [row('a'), row('b')], outputs: [{ name: 'y' }, { name: 'y' }] })],
    ['data twice', both({ parameters: { binary_data_size: 8 } })],
    ['no datatype', good.replace('"FP32"', 'null')],
    ['a parameter that is a list', JSON.stringify({ inputs: [row('a'), row('b')], parameters: { x: [1] } })],
    ['a timeout that is text', JSON.stringify({ inputs: [row('a'), row('b')], parameters: { timeout: 'soon' } })],
    ['a timeout of the past', JSON.stringify({ inputs: [row('a'), row('b')], parameters: { timeout: -1 } })],
    [
      'text that is not UTF-8',
      Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff, 0xfe]), Buffer.from(`",${good.slice(1)}`)]),
    ],
  ])('%s: 400 with a reason', async (_, body) => {
    const response = await post(body)
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toMatch(/\w/)
    expect(Object.prototype).not.toHaveProperty('polluted')
  })

  it.each([
    ['longer than the body', '999999'],
    ['beyond every integer', '99999999999999'],
    ['shorter than the JSON', '5'],
    ['twice', '10, 10'],
    ['in hexadecimal', '0x10'],
  ])('a header that names a JSON %s: 400, and it lives', async (_, length) => {
    const response = await post(good, {
      'inference-header-content-length': length,
      'content-type': 'application/octet-stream',
    })
    expect(response.statusCode).toBe(400)
    await healthy()
  })

  it.each([
    ['more bytes than there are', 1 << 30],
    ['fewer bytes than there are', 4],
    ['less than none', -8],
    ['half a byte', 7.5],
    ['text', '8'],
  ])('binary data said to have %s: 400', async (_, size) => {
    const json = JSON.stringify({
      inputs: [{ name: 'a', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: size } }, row('b')],
    })
    const body = Buffer.concat([Buffer.from(json), Buffer.alloc(8)])
    const response = await post(body, { 'inference-header-content-length': String(json.length) })
    expect(response.statusCode).toBe(400)
  })
})

describe('case 50: addresses in requests', () => {
  it('are never fetched', async () => {
    let asked = 0
    const trap = createServer((_, response) => {
      asked += 1
      response.end()
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/`
    const open = await fixture.open({ openRepository: true })
    const send = (path: string, body: unknown, headers = {}) =>
      open.app.inject({
        method: 'POST',
        url: path,
        payload: JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      })
    const jku = Buffer.from(JSON.stringify({ alg: 'RS256', jku: url, x5u: url })).toString('base64url')
    const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
    const guarded = await fixture.open({ tokens: { keys: { keys: [{ kty: 'RSA', ...key }] }, audience: 'x' } })
    const answers = [
      await send('/v2/models/sum/infer', {
        id: url,
        inputs: [row('a'), row('b')],
        parameters: { headers: url, callback: url },
      }),
      await send('/v2/models/id/infer', {
        inputs: [{ name: 'string-in', shape: [1], datatype: 'BYTES', data: [url] }],
      }),
      await send(`/v2/repository/models/${encodeURIComponent(url)}/load`, {}),
      await send('/v2/repository/models/sum/load', { parameters: { config: url, 'file:1/model.onnx': url } }),
      await send(
        '/v2/models/sum/infer',
        { inputs: [row('a'), row('b')] },
        { 'x-forwarded-host': url, referer: url, traceparent: url },
      ),
      await guarded.app.inject({ url: '/v2/models/sum', headers: { authorization: `Bearer ${jku}.e30.AAAA` } }),
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 400, 404, 400, 200, 401])
    // The trap does count: it has this one, and no earlier one.
    await fetch(url)
    expect(asked).toBe(1)
    trap.close()
  })
})
