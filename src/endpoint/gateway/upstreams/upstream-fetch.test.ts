import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { openBeside } from '../../../testing/beside.ts'
import { createUpstreamFetch } from './upstream-fetch.ts'

it('closes though an answer of an upstream never ends', async () => {
  const server = createServer((_, response) => response.write('data: 1\n\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { fetch, close } = createUpstreamFetch(4)
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
    const { fetch, close } = createUpstreamFetch(4)
    try {
      const closed = new SharedArrayBuffer(4)
      const url = await beside.refusing({ status, afterBytes: 4 * 2 ** 20, closed })
      const response = await fetch(url, { method: 'POST', body: bodyInTheWay(32 * 2 ** 20, closed) })
      expect([response.status, await response.text()]).toEqual([status, '{"error":"too large for me"}'])
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
  const { fetch, close } = createUpstreamFetch(4)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await expect(fetch(url, { method: 'POST', body: new Uint8Array(32 * 2 ** 20) })).rejects.toThrow('fetch failed')
  await close()
  server.close()
}, 60_000)

it('fails as a fetch does where nobody listens', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const { fetch, close } = createUpstreamFetch(4)
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } })
  await close()
}, 60_000)
