import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a server that can be cut in the middle of an answer. */
export interface CuttingProxy {
  readonly url: string
  /** Destroys the socket on which the `count`-th server-sent event from now on comes, before that event. */
  cutAfter(count: number): void
  close(): Promise<void>
}

const event = Buffer.from('data: ')

/** @param target address of the server behind it */
export async function openCuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let left = Number.POSITIVE_INFINITY

  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    keep(client)
    keep(upstream)
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    client.on('data', (bytes) => upstream.write(bytes))
    client.on('close', end)
    upstream.on('close', end)
    upstream.on('data', (bytes: Buffer) => {
      for (let at = bytes.indexOf(event); at >= 0; at = bytes.indexOf(event, at + event.length)) {
        if (left <= 0) {
          left = Number.POSITIVE_INFINITY
          client.write(bytes.subarray(0, at), end)
          return
        }
        left -= 1
      }
      client.write(bytes)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAfter(count) {
      left = count
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
