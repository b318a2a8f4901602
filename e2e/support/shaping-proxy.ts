import { createConnection, createServer, type Socket } from 'node:net'

/** A link as a proxy can make one: the same both ways. */
export interface LinkShape {
  /** Half of it is added each way, in milliseconds. */
  readonly roundTripMs: number
  /** What passes in a second, each way. */
  readonly bitsPerSecond: number
}

/**
 * A TCP proxy on a port of its own that delays what passes and lets it pass no faster than the link would. Requests
 * of one link share its rate, as they would on a real one.
 */
export async function openShapingProxy(targetPort: number, link: LinkShape) {
  const sockets = new Set<Socket>()
  const carry = (from: Socket, to: Socket, busyUntil: { ms: number }) => {
    from.on('data', (chunk) => {
      const now = performance.now()
      busyUntil.ms = Math.max(now, busyUntil.ms) + (chunk.length * 8000) / link.bitsPerSecond
      setTimeout(() => to.writable && to.write(chunk), busyUntil.ms - now + link.roundTripMs / 2)
    })
    from.on('end', () =>
      setTimeout(() => to.end(), Math.max(0, busyUntil.ms - performance.now()) + link.roundTripMs / 2),
    )
    from.on('error', () => to.destroy())
    from.on('close', () => sockets.delete(from))
    sockets.add(from)
  }
  const up = { ms: 0 }
  const down = { ms: 0 }
  const server = createServer((client) => {
    const target = createConnection(targetPort, '127.0.0.1')
    carry(client, target, up)
    carry(target, client, down)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    origin: `http://localhost:${address.port}`,
    /** Refuses new connections and cuts those there are: the endpoint is gone. */
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
