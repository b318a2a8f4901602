import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import { until } from '../testing/until.ts'
import type { Endpoint } from './create-endpoint.ts'
import type { EndpointPlugin } from './plugin/endpoint-plugin.ts'

let fixture: EndpointFixture
let endpoint: Endpoint
let port = 0
beforeAll(async () => {
  fixture = await openEndpointFixture()
  endpoint = await fixture.open()
  port = (await endpoint.listen({ port: 0, host: '127.0.0.1' })).port
})
afterAll(() => fixture.close())

/** All that comes back on a connection, until it is closed. */
function open(at = port): { readonly socket: Socket; readonly answer: Promise<string> } {
  const socket = connect({ port: at, host: '127.0.0.1', allowHalfOpen: true })
  const answer = new Promise<string>((resolve) => {
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(text))
    socket.on('end', () => socket.end())
  })
  return { socket, answer }
}

const inputs = [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }]
const request = (model: string, more = '') => {
  const body = JSON.stringify({ inputs })
  const head = `POST /v2/models/${model}/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
  return `${head}Content-Length: ${body.length}\r\n${more}\r\n${body}`
}
const metrics = async () => (await endpoint.app.inject({ url: '/metrics' })).payload
const metric = async (name: string, labels: string): Promise<number> =>
  Number(new RegExp(`^${name}\\{${labels}\\} (.*)$`, 'm').exec(await metrics())?.[1] ?? 0)

describe('what Fastify and Node refuse themselves', () => {
  it.each([
    ['an address that is none', 'GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    ['what is no HTTP', 'HELLO\r\n\r\n', 400],
    ['headers that are too long', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    [
      'a name that is too long',
      `GET /v2/models/${'x'.repeat(5_000)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      414,
    ],
    ['a request that names no host', 'GET /v2 HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['what is expected and not known', 'GET /v2 HTTP/1.1\r\nHost: localhost\r\nExpect: cake\r\n\r\n', 417],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n', 405],
    ['a method that is none', 'BREW /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
    ['a length that is none', 'POST /v2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n', 400],
  ])('has the headers of every answer, and a sentence: %s', async (_, bytes, status) => {
    const { socket, answer } = open()
    socket.write(bytes)
    const [head = '', body = ''] = (await answer).split('\r\n\r\n')
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    for (const header of [
      'content-security-policy: ',
      'x-content-type-options: nosniff',
      'cache-control: no-store',
      'content-type: application/json',
    ]) {
      expect(head.toLowerCase()).toContain(header)
    }
    expect(JSON.parse(body)).toEqual({ error: expect.stringMatching(/^[A-Z].*\.$/) })
  })
})

describe('what is no request, behind one that is', () => {
  it('adds nothing to an answer that has begun', async () => {
    const streams: EndpointPlugin = {
      name: 'streams',
      register: (app) =>
        void app.get('/begun', (_, reply) => {
          reply.hijack()
          reply.raw.writeHead(200, { 'Content-Type': 'text/plain' }).write('begun')
        }),
    }
    const other = await fixture.open({ plugins: [streams] })
    const at = (await other.listen({ port: 0, host: '127.0.0.1' })).port
    const { socket, answer } = open(at)
    socket.write('GET /begun HTTP/1.1\r\nHost: localhost\r\n\r\n')
    socket.on('data', (data) => {
      if (String(data).includes('begun')) socket.write('BREW /\r\n\r\n')
    })
    expect((await answer).match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200'])
  })
})

it('an OPTIONS that asks for no leave is answered in the form of all others', async () => {
  const other = await fixture.open({ allowOrigins: ['https://www.example.com'] })
  for (const origin of ['https://www.example.com', 'https://evil.example']) {
    const answer = await other.app.inject({ method: 'OPTIONS', url: '/v2', headers: { origin } })
    expect(answer.headers['content-type'] ?? 'application/json').toContain('application/json')
    expect(answer.headers['access-control-allow-origin']).not.toBe('https://evil.example')
  }
})

describe('a client that ends its side once its request is sent', () => {
  it('is answered', async () => {
    const { socket, answer } = open()
    socket.end(request('slow'))
    const text = await answer
    expect(text).toMatch(/^HTTP\/1.1 (200|102) /)
    expect(text).toContain('"outputs":[{"name":"y"')
  })

  it('is answered as often as it has asked, with interim responses where it takes long', async () => {
    const { socket, answer } = open()
    for (let count = 0; count < 3; count += 1) socket.write(request('slow'))
    socket.end(request('sum'))
    const answers = (await answer).split(/(?=HTTP\/1\.1 \d)/).filter((each) => !each.startsWith('HTTP/1.1 102'))
    expect(answers.map((each) => each.slice(9, 12))).toEqual(['200', '200', '200', '400'])
  })
})

describe('the bytes that are counted', () => {
  it('are those that came, and not those that a refused request speaks of', async () => {
    const before = await metric('hither_request_bytes_total', 'model="sum"')
    const { socket, answer } = open()
    socket.write(
      'POST /v2/models/sum/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000000000\r\n\r\n{',
    )
    await until(async () => (await metric('hither_requests_total', 'model="sum",status="413"')) === 1)
    socket.destroy()
    await answer
    expect((await metric('hither_request_bytes_total', 'model="sum"')) - before).toBeLessThanOrEqual(1)
  })

  it('are those of a cut upload, too, which is counted as one', async () => {
    const before = await metric('hither_request_bytes_total', 'model="sum"')
    const { socket } = open()
    socket.write(
      `POST /v2/models/sum/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n${' '.repeat(50_000)}`,
    )
    await until(() => socket.bytesWritten > 50_000)
    await new Promise((resolve) => socket.write('', resolve))
    await until(async () => (await endpoint.app.inject({ url: '/v2/health/live' })).statusCode === 200)
    socket.destroy()
    await until(async () => (await metric('hither_requests_total', 'model="sum",status="499"')) === 1)
    expect(await metric('hither_refusals_total', 'model="sum",reason="hung-up"')).toBe(1)
    const bytes = (await metric('hither_request_bytes_total', 'model="sum"')) - before
    expect(bytes).toBeGreaterThan(0)
    expect(bytes).toBeLessThanOrEqual(50_000)
  })
})
