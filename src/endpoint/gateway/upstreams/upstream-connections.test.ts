import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { openBeside } from '../../../testing/beside.ts'
import { createUpstreamConnections } from './upstream-connections.ts'

it('closes though an answer of an upstream never ends', async () => {
  const server = createServer((_, response) => response.write('data: 1\n\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { fetch, close } = createUpstreamConnections(4)
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const rest = answer.text()
  const ended = expect(rest).rejects.toThrow()
  await close()
  await ended
  server.closeAllConnections()
  server.close()
}, 60_000)

/** A body of which the second piece is asked for once the server has refused it and reset the connection. */
function bodyInTheWay(bytes: number, closed: SharedArrayBuffer): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(bytes)
  const subarray = body.subarray.bind(body)
  body.subarray = (from, until) => {
    if (from !== 0) expect(Atomics.wait(new Int32Array(closed), 0, 0, 50_000)).not.toBe('timed-out')
    return subarray(from, until)
  }
  return body
}

it.each([400, 401, 413])(
  'gives the answer %i though the connection is reset while it still sends',
  async (status) => {
    const beside = openBeside()
    const { fetch, post, close } = createUpstreamConnections(4)
    const refusal = [status, '{"error":"too large for me"}']
    const refusing = async () => {
      const closed = new SharedArrayBuffer(4)
      const url = await beside.refusing({ status, afterBytes: 4 * 2 ** 20, closed })
      return { url, body: bodyInTheWay(32 * 2 ** 20, closed) }
    }
    try {
      const { url, body } = await refusing()
      const response = await fetch(url, { method: 'POST', body })
      expect([response.status, await response.text()]).toEqual(refusal)
      const posted = await refusing()
      const { signal } = new AbortController()
      const answer = await post(posted.url, { headers: {}, body: posted.body, signal })
      expect([answer.status, await text(answer.body)]).toEqual(refusal)
    } finally {
      await close()
      await beside.close()
    }
  },
  60_000,
)

it('fails when the connection is reset and there is no answer', async () => {
  const server = createServer((request) => request.once('data', () => request.socket.resetAndDestroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { fetch, post, close } = createUpstreamConnections(4)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const body = new Uint8Array(32 * 2 ** 20)
  const { signal } = new AbortController()
  await expect(fetch(url, { method: 'POST', body })).rejects.toThrow('fetch failed')
  await expect(post(url, { headers: {}, body, signal })).rejects.toMatchObject({ code: 'ECONNRESET' })
  await close()
  server.close()
}, 60_000)

it('fails as a fetch does where nobody listens', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const { fetch, post, close } = createUpstreamConnections(4)
  const { signal } = new AbortController()
  const url = `http://127.0.0.1:${port}/`
  await expect(fetch(url)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  const posting = post(url, { headers: {}, body: new Uint8Array(2), signal })
  await expect(posting).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await close()
}, 60_000)

async function atServer(answer: RequestListener, use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

it('posts, and gives the answer as it comes, until it is cancelled', async () => {
  let left: Promise<void> | undefined
  const answer: RequestListener = (request, response) => {
    left = new Promise((resolve) => response.once('close', () => resolve()))
    const { 'content-type': type, 'accept-encoding': packing, authorization } = request.headers
    response.writeHead(201, { 'X-Asked': [request.method, type, packing, authorization].join(' ') }).write('one')
  }
  await atServer(answer, async (url) => {
    const { post, close } = createUpstreamConnections(4)
    const headers = { Authorization: 'Bearer x' }
    const given = await post(url, { headers, body: Buffer.from('{}'), signal: new AbortController().signal })
    expect([given.status, given.ok]).toEqual([201, true])
    expect(given.header('x-asked')).toBe('POST application/json identity Bearer x')
    const chunks = given.body[Symbol.asyncIterator]()
    expect(Buffer.from((await chunks.next()).value ?? []).toString()).toBe('one')
    const waiting = expect(chunks.next()).rejects.toThrow()
    given.cancel()
    await Promise.all([waiting, left])
    await close()
  })
}, 60_000)

it('follows no other address', async () => {
  const answer: RequestListener = (_, response) => response.writeHead(307, { Location: '/elsewhere' }).end()
  await atServer(answer, async (url) => {
    const { post, close } = createUpstreamConnections(4)
    const signal = new AbortController().signal
    await expect(post(url, { headers: {}, body: Buffer.from('{}'), signal })).rejects.toThrow('another address')
    await close()
  })
}, 60_000)
