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
    // A queue and one timer: two timers may ring in the other order than they were set, and bytes must not.
    const queue: { readonly dueMs: number; readonly pass: () => void }[] = []
    let waiting = false
    const pump = () => {
      waiting = false
      while (queue[0] !== undefined && queue[0].dueMs <= performance.now()) queue.shift()?.pass()
      const next = queue[0]
      if (next === undefined) return
      waiting = true
      setTimeout(pump, Math.max(0, next.dueMs - performance.now()))
    }
    const send = (bytes: number, pass: () => void) => {
      busyUntil.ms = Math.max(performance.now(), busyUntil.ms) + (bytes * 8000) / link.bitsPerSecond
      queue.push({ dueMs: busyUntil.ms + link.roundTripMs / 2, pass })
      if (!waiting) pump()
    }
    from.on('data', (chunk) => send(chunk.length, () => to.writable && to.write(chunk)))
    from.on('end', () => send(0, () => to.end()))
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
