import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import type { Endpoint } from './create-endpoint.ts'

// What Triton, OpenVINO Model Server, KServe and MLServer test of their own HTTP front ends, asked of ours; beside what
// hostile.test.ts and extensions.test.ts ask.

let fixture: EndpointFixture
let endpoint: Endpoint
let port = 0
beforeAll(async () => {
  fixture = await openEndpointFixture()
  endpoint = await fixture.open({ bodyLimitBytes: 1024 * 1024 })
  port = (await endpoint.listen({ port: 0, host: '127.0.0.1' })).port
})
afterAll(() => fixture.close())

const row = (name: string, more = {}) => ({ name, shape: [1, 2], datatype: 'FP32', data: [1, 2], ...more })
const sum = (more = {}) => ({ inputs: [row('a'), row('b')], ...more })
const floats = (...values: number[]) => Buffer.from(new Float32Array(values).buffer)

/** JSON, then binary data; `headBytes` may lie. */
function post(json: unknown, tail: Buffer = Buffer.alloc(0), headBytes?: number | string) {
  const head = Buffer.from(JSON.stringify(json))
  return endpoint.app.inject({
    method: 'POST',
    url: '/v2/models/sum/infer',
    payload: Buffer.concat([head, tail]),
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(headBytes ?? head.length),
    },
  })
}
const binary = (name: string, bytes: number, more = {}) => ({
  name,
  shape: [1, 2],
  datatype: 'FP32',
  parameters: { binary_data_size: bytes },
  ...more,
})

describe('binary data', () => {
  it('is joined to tensors in the order of the JSON, mixed with numbers', async () => {
    const response = await post({ inputs: [row('b', { data: [10, 20] }), binary('a', 8)] }, floats(1, 2))
    expect(response.json().outputs[0].data).toEqual([11, 22])
  })

  it.each([
    ['is more than follows the JSON', [binary('a', 16, { shape: [2, 2] }), row('b')], floats(1, 2)],
    ['is less than follows the JSON', [binary('a', 8), row('b')], floats(1, 2, 3)],
    ['is not what the shape needs', [binary('a', 4), binary('b', 12)], floats(1, 2, 3, 4)],
    ['adds up beyond every integer', [binary('a', 2 ** 53 - 1), binary('b', 2 ** 53 - 1)], floats(1, 2)],
    ['is there and nothing speaks of it', [row('a'), row('b')], floats(1, 2)],
    ['is spoken of and not there', [binary('a', 8), row('b')], Buffer.alloc(0)],
  ])('that %s: 400', async (_, inputs, tail) => {
    const response = await post({ inputs }, tail)
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toMatch(/\w/)
  })

  it.each([
    ['one byte less', -1],
    ['one byte more', 1],
    ['all of the body', 8],
  ])('a header that names %s than the JSON has: 400', async (_, more) => {
    const json = { inputs: [binary('a', 8), row('b')] }
    const response = await post(json, floats(1, 2), JSON.stringify(json).length + more)
    expect(response.statusCode).toBe(400)
  })

  it.each([
    ['a text longer than what is left', Buffer.from([200, 0, 0, 0, 65])],
    ['a length of 2^32 − 1', Buffer.from([255, 255, 255, 255, 65])],
    ['bytes behind the last text', Buffer.from([1, 0, 0, 0, 65, 66])],
    ['no text that is UTF-8', Buffer.from([1, 0, 0, 0, 255])],
  ])('of BYTES with %s: 400', async (_, tail) => {
    const input = { name: 'a', shape: [1, 1], datatype: 'BYTES', parameters: { binary_data_size: tail.length } }
    const response = await post({ inputs: [input, row('b')] }, tail)
    expect(response.statusCode).toBe(400)
    // Not merely that the model takes numbers: the text itself is refused.
    expect(response.json().error).toMatch(/strings, each with its length|UTF-8/)
  })
})

describe('JSON', () => {
  it('with brackets and quotes in its texts is read as it is, binary data behind it that looks like JSON, too', async () => {
    const id = `${'[{"'.repeat(200)}\\"}]`
    const tail = Buffer.from('{"}"]}\\"')
    const response = await post({ id, inputs: [binary('a', 8), row('b')] }, tail)
    expect(response.statusCode).toBe(200)
    expect(response.json().id).toBe(id)
  })

  it('of a batch of nothing is answered with nothing', async () => {
    const empty = { shape: [0, 2], data: [] }
    const response = await post({ inputs: [row('a', empty), row('b', empty)] })
    expect(response.json().outputs[0]).toMatchObject({ shape: [0, 2], data: [] })
  })

  it.each([
    ['a scalar for a matrix', sum({ inputs: [row('a', { shape: [], data: [1] }), row('b')] })],
    ['ragged rows', sum({ inputs: [row('a', { shape: [2, 2], data: [[1, 2], [3]] }), row('b')] })],
    ['data that is no list', sum({ inputs: [row('a', { data: 1 }), row('b')] })],
    ['data that is an object', sum({ inputs: [row('a', { data: { 0: 1, 1: 2 } }), row('b')] })],
    ['text for numbers', sum({ inputs: [row('a', { data: ['1', '2'] }), row('b')] })],
    ['true for numbers', sum({ inputs: [row('a', { data: [true, false] }), row('b')] })],
    ['BF16', sum({ inputs: [row('a', { datatype: 'BF16' }), row('b')] })],
    ['a datatype in small letters', sum({ inputs: [row('a', { datatype: 'fp32' }), row('b')] })],
    ['inputs that are an object', { inputs: { a: 1 } }],
    ['no inputs', { inputs: [] }],
    ['outputs that are no list', sum({ outputs: 'y' })],
    ['a list', []],
    ['an id that is a number', sum({ id: 7 })],
  ])('%s: 400', async (_, json) => {
    const response = await post(json)
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toMatch(/\w/)
  })
})

/** Sends bytes as they are, and gives the first of what comes back. */
const talk = (...parts: readonly string[]) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      for (const part of parts) socket.write(part)
    })
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.on('error', reject)
  })

describe('the connection', () => {
  const head = 'POST /v2/models/sum/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
  const body = JSON.stringify(sum())

  it('may bring the body in thousands of chunks', async () => {
    const chunks = Array.from(body, (character) => `1\r\n${character}\r\n`)
    const spaces = Array.from({ length: 5000 }, () => '1\r\n \r\n')
    const answer = await talk(`${head}Transfer-Encoding: chunked\r\n\r\n`, ...chunks, ...spaces, '0\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1.1 200 /)
  })

  it.each([
    ['a chunk size that is no number', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
    ['a length and chunks', `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}`],
    ['a length below nothing', `${head}Content-Length: -1\r\n\r\n`],
  ])('with %s: 400', async (_, text) => {
    expect(await talk(text)).toMatch(/^HTTP\/1.1 400 /)
  })

  it('that ends in the middle of a body, a hundred times, costs nobody anything', async () => {
    for (let count = 0; count < 100; count += 1) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () =>
          socket.write(`${head}Content-Length: 500\r\n\r\n{"inp`, () => socket.destroy()),
        )
        socket.on('close', () => resolve())
      })
    }
    expect((await post(sum())).statusCode).toBe(200)
  })
})
