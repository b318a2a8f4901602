import { createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { openShapedLink } from './shaped-link.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function openServer(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

test('all bytes arrive in order, and one connection does not hold up another', async () => {
  const body = Uint8Array.from({ length: 400_000 }, (_, index) => index % 251)
  const port = await openServer((socket) => {
    socket.once('data', (request) => socket.end(String(request).includes('large') ? body : 'small'))
    socket.on('error', () => {})
  })
  const link = await openShapedLink(port, { bitsPerSecond: 20e6, roundTripMs: 2 })
  closers.push(() => link.close())
  const { connect } = await import('node:net')
  const finished: string[] = []
  const ask = (what: string) =>
    new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = []
      const socket = connect(Number(new URL(link.origin).port), '127.0.0.1', () => socket.write(what))
      socket.on('data', (chunk) => chunks.push(chunk))
      socket.on('error', reject)
      socket.on('end', () => {
        finished.push(what)
        resolve(Buffer.concat(chunks))
      })
    })
  const [large, small] = await Promise.all([ask('large'), ask('small')])
  expect(Buffer.compare(large, body)).toBe(0)
  expect(String(small)).toBe('small')
  expect(finished).toEqual(['small', 'large'])
})
