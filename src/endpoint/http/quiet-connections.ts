import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Watches a server's connections, and closes those without a request when it closes. Node closes the ones between two
 * requests itself; it waits for those that have sent nothing yet, which browsers open ahead of need, and for those that
 * are sending headers, whose time it stops to count.
 *
 * @param graceMs what headers that are on their way have left once the server closes
 */
export function watchConnections(server: Server, graceMs: number): { readonly closeQuiet: () => void } {
  const underWay = new Map<Socket, number>()
  server.on('connection', (socket: Socket) => {
    underWay.set(socket, 0)
    socket.once('close', () => underWay.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    const count = (by: number) => {
      const before = underWay.get(socket)
      if (before !== undefined) underWay.set(socket, before + by)
    }
    count(1)
    response.once('close', () => count(-1))
  })
  const close = (isQuiet: (socket: Socket) => boolean) => {
    for (const [socket, requests] of underWay) if (requests === 0 && isQuiet(socket)) socket.destroy()
  }
  return {
    closeQuiet() {
      close(({ bytesRead }) => bytesRead === 0)
      const timer = setTimeout(() => close(() => true), graceMs)
      server.once('close', () => clearTimeout(timer))
      timer.unref()
    },
  }
}
