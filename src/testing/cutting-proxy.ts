import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server that breaks when a test says so. */
export interface CuttingProxy {
  readonly url: string
  /** Breaks the next stream of events behind so many of them; undefined: none. */
  cutAfter(events: number | undefined): void
  close(): Promise<void>
}

const mark = Buffer.from('data: {')

/** Passes connections on to a server of HTTP, byte by byte. */
export async function openCuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let most: number | undefined
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    let events = 0
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    upstream.on('data', (bytes) => {
      for (let at = bytes.indexOf(mark); most !== undefined && at !== -1; at = bytes.indexOf(mark, at + 1)) {
        events += 1
        if (events <= most) continue
        client.write(bytes.subarray(0, at), () => client.destroy())
        upstream.destroy()
        return
      }
      client.write(bytes)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAfter(events) {
      most = events
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
