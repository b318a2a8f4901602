import { connect, type Socket } from 'node:net'
import { deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EndpointFixture, openEndpointFixture } from '../testing/endpoint-fixture.ts'
import type { Endpoint } from './create-endpoint.ts'

const mebibyte = 1024 * 1024
const bodyLimitBytes = mebibyte
let fixture: EndpointFixture
let endpoint: Endpoint
let port = 0
beforeAll(async () => {
  fixture = await openEndpointFixture()
  endpoint = await fixture.open({ bodyLimitBytes, arrivalLimitsMs: { headers: 1500, request: 3000 } })
  port = (await endpoint.listen({ port: 0, host: '127.0.0.1' })).port
})
afterAll(() => fixture.close())

const row = (name: string) => ({ name, shape: [1, 2], datatype: 'FP32', data: [1, 2] })
const good = JSON.stringify({ inputs: [row('a'), row('b')] })
const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
  endpoint.app.inject({
    method: 'POST',
    url: '/v2/models/sum/infer',
    payload,
    headers: { 'content-type': 'application/json', ...headers },
  })
const healthy = async (at = port) => {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: good }
  expect((await fetch(`http://127.0.0.1:${at}/v2/models/sum/infer`, init)).status).toBe(200)
}

/** Sends text as it is, and gives what came back once the connection ends. */
const talk = (text: string, keep?: (socket: Socket) => void) =>
  new Promise<string>((resolve) => {
    let heard = ''
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(text)
      keep?.(socket)
    })
    socket.on('data', (chunk) => {
      heard += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(heard))
  })
const head = (length: string) =>
  `POST /v2/models/sum/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${length}\r\n\r\n`

describe('case 45: too much, too slow', () => {
  it('a body of 1 GB is refused unread: 413', async () => {
    expect(await talk(head(`Content-Length: ${1024 * mebibyte}`))).toMatch(/^HTTP\/1.1 413 /)
    await healthy()
  })

  it('a body that never says its end is cut at the limit: 413', async () => {
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
    const heard = await talk(head('Transfer-Encoding: chunked'), (socket) => {
      const send = () => {
        while (!socket.destroyed && socket.write(chunk));
      }
      socket.on('drain', send)
      send()
    })
    expect(heard).toMatch(/^HTTP\/1.1 413 /)
    await healthy()
  })

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ])('a %s bomb is cut at the limit: 413', async (encoding, pack) => {
    const bomb = pack(Buffer.alloc(64 * mebibyte, 0x20))
    expect(bomb.length).toBeLessThan(bodyLimitBytes)
    const before = process.memoryUsage().arrayBuffers
    expect((await post(bomb, { 'content-encoding': encoding })).statusCode).toBe(413)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * mebibyte)
    await healthy()
  })

  it.each(['br', 'gzip, gzip', 'gzip, identity'])(
    'a body packed as %s is not unpacked at all: 415',
    async (encoding) => {
      const response = await post(gzipSync(gzipSync(good)), { 'content-encoding': encoding })
      expect(response.statusCode).toBe(415)
      expect(response.json().error).toContain('gzip and deflate')
    },
  )

  it('bodies that together are more than the memory for them: 503 with Retry-After', async () => {
    const small = await fixture.open({ bodyLimitBytes, bodyBudgetBytes: 1000 })
    const send = (payload: string) =>
      small.app.inject({
        method: 'POST',
        url: '/v2/models/sum/infer',
        payload,
        headers: { 'content-type': 'application/json' },
      })
    const refused = await send(JSON.stringify({ id: 'x'.repeat(900), inputs: [row('a'), row('b')] }))
    expect(refused.statusCode).toBe(503)
    expect(refused.headers['retry-after']).toBe('1')
    expect((await send(good)).statusCode).toBe(200)
  })

  it('headers and bodies that come byte by byte are cut off with 408, and others are answered meanwhile', async () => {
    const drip = (text: string) => {
      let timer: NodeJS.Timeout | undefined
      return talk(text, (socket) => {
        timer = setInterval(() => socket.write('x'), 100)
        socket.on('close', () => clearInterval(timer))
      })
    }
    const slow = Promise.all([
      drip('POST /v2/models/sum/infer HTTP/1.1\r\nX-Slow: '),
      drip(head('Content-Length: 100000')),
      talk(''),
    ])
    await healthy()
    for (const heard of await slow) expect(heard).toMatch(/^HTTP\/1.1 408 /)
    await healthy()
  }, 60_000)

  it('headers beyond 16 KiB: 431', async () => {
    expect(await talk(`GET /v2 HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    )
  })

  it('5,000 silent connections keep nobody waiting', async () => {
    const own = await fixture.open()
    const { port: quiet } = await own.listen({ port: 0, host: '127.0.0.1' })
    const sockets: Socket[] = []
    const silent = () =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(quiet, '127.0.0.1', resolve).on('error', reject)
        sockets.push(socket)
      })
    // Both ends are this process's; what it may open is less on some systems.
    const count = Math.min(5000, Math.floor((openFilesLimit() - 500) / 2))
    expect(count).toBeGreaterThan(100)
    for (let left = count; left > 0; left -= 100) await Promise.all(Array.from({ length: Math.min(100, left) }, silent))
    await Promise.all(Array.from({ length: 20 }, () => healthy(quiet)))
    expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([])
    for (const socket of sockets) socket.on('error', () => {}).destroy()
  })
})

function openFilesLimit(): number {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files: { readonly soft: number | 'unlimited' } }
  }
  const soft = userLimits?.open_files.soft ?? 1024
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft
}

describe('case 46: more than it can do', () => {
  it('answers the rest at once with 503 and Retry-After, and holds no more than its queue', async () => {
    const busy = await fixture.open({ maxQueue: 4 })
    const one = JSON.stringify({ inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }] })
    const send = () =>
      busy.app.inject({
        method: 'POST',
        url: '/v2/models/slow/infer',
        payload: one,
        headers: { 'content-type': 'application/json' },
      })
    const answers = await Promise.all(Array.from({ length: 60 }, send))
    const refused = answers.filter(({ statusCode }) => statusCode === 503)
    expect(refused.length).toBeGreaterThanOrEqual(50)
    expect(answers.filter(({ statusCode }) => statusCode === 200).length).toBe(60 - refused.length)
    for (const { headers } of refused) expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
  }, 60_000)

  it('refuses before the body is read what would come too late', async () => {
    const busy = await fixture.open()
    const { port: own } = await busy.listen({ port: 0, host: '127.0.0.1' })
    const url = `http://127.0.0.1:${own}/v2/models/slow/infer`
    const one = JSON.stringify({ inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }] })
    const send = (headers = {}) =>
      fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: one })
    await send()
    const late = await send({ 'hither-timeout-ms': '1' })
    expect(late.status).toBe(503)
    // No body has come, and none will: the answer is there all the same.
    const unread = await new Promise<string>((resolve) => {
      const socket = connect(own, '127.0.0.1', () =>
        socket.write(
          'POST /v2/models/slow/infer HTTP/1.1\r\nHost: localhost\r\nHither-Timeout-Ms: 1\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n',
        ),
      )
      socket.once('data', (chunk) => {
        socket.destroy()
        resolve(String(chunk))
      })
    })
    expect(unread).toMatch(/^HTTP\/1.1 503 /)
    expect((await send({ 'hither-timeout-ms': '60000' })).status).toBe(200)
  })

  it('refuses a client beyond its rate with 429, and nobody else', async () => {
    const limited = await fixture.open({ rateLimit: { perAddress: 1 }, trustProxy: true })
    const send = (ip: string) =>
      limited.app.inject({
        method: 'POST',
        url: '/v2/models/sum/infer',
        payload: good,
        headers: { 'content-type': 'application/json', 'x-forwarded-for': ip },
      })
    const statuses: number[] = []
    for (let count = 0; count < 12; count += 1) statuses.push((await send('203.0.113.1')).statusCode)
    expect(statuses).toEqual([...Array(10).fill(200), 429, 429])
    const refused = await send('203.0.113.1')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect((await send('203.0.113.2')).statusCode).toBe(200)
    expect(
      (await limited.app.inject({ url: '/v2/health/live', headers: { 'x-forwarded-for': '203.0.113.1' } })).statusCode,
    ).toBe(200)
  })
})
