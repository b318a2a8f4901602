import { createConnection, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { parseRecording, toRecording } from '../routing/recordings.ts'
import { openTraceProxy } from './trace-proxy.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** A server that sends back what it gets, and a proxy before it. */
async function openEcho() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.pipe(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const proxy = await openTraceProxy(address.port)
  closing.push(
    () => proxy.close(),
    () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  )
  return proxy
}

/** Sends bytes, and waits until as many have come back. */
function exchange(origin: string, sent: Buffer): Promise<{ readonly back: Buffer; readonly ms: number }> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now()
    const socket = createConnection(Number(new URL(origin).port), '127.0.0.1')
    const parts: Buffer[] = []
    socket.on('error', reject)
    socket.on('data', (part) => {
      parts.push(part)
      if (parts.reduce((sum, { length }) => sum + length, 0) < sent.length) return
      resolve({ back: Buffer.concat(parts), ms: performance.now() - startMs })
      socket.destroy()
    })
    socket.write(sent)
  })
}

test('bytes come through whole and in order, and no faster than was recorded', async () => {
  const proxy = await openEcho()
  const sent = Buffer.from(Uint8Array.from({ length: 40_000 }, (_, index) => index % 251))
  expect((await exchange(proxy.origin, sent)).back.equals(sent)).toBe(true)
  // 320 kbit at 4 Mbit/s up and 8 Mbit/s down, and a round trip that jumps about.
  const rows = ['0,8,4,60,', '0.05,8,4,1,', '0.1,8,4,60,', '9,,,,']
  const recording = toRecording('a', '4G', parseRecording(['t_s,dl_mbps,ul_mbps,rtt_ms,loss', ...rows].join('\n')))
  proxy.replay(recording, 0)
  const { back, ms } = await exchange(proxy.origin, sent)
  expect(back.equals(sent)).toBe(true)
  expect(ms).toBeGreaterThanOrEqual(80)
})

test('a proxy that is closed cuts what is under way', async () => {
  const proxy = await openEcho()
  const rows = ['0,0,0,60,', '1,0,0,60,', '2,,,,']
  proxy.replay(toRecording('a', '4G', parseRecording(['t_s,dl_mbps,ul_mbps,rtt_ms,loss', ...rows].join('\n'))), 0)
  const socket = createConnection(Number(new URL(proxy.origin).port), '127.0.0.1')
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.write('for nobody', () => resolve()))
  await proxy.close()
  await closed
})

test('once it is free, nothing waits for a recording any more', async () => {
  const proxy = await openEcho()
  // 40 KB would take half a minute each way.
  const rows = ['0,0.01,0.01,10,', '5,0.01,0.01,10,', '9,,,,']
  proxy.replay(toRecording('a', '2G', parseRecording(['t_s,dl_mbps,ul_mbps,rtt_ms,loss', ...rows].join('\n'))), 0)
  proxy.free()
  const sent = Buffer.alloc(40_000, 7)
  expect((await exchange(proxy.origin, sent)).back.equals(sent)).toBe(true)
})
