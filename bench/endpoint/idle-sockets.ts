import { connect, type Socket } from 'node:net'

/** Opens so many connections that say nothing; the function that comes back closes them. */
export async function openIdleSockets(url: string, count: number): Promise<() => void> {
  const { hostname, port } = new URL(url)
  const sockets: Socket[] = []
  const open = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), hostname, resolve)
      socket.on('error', reject)
      sockets.push(socket)
    })
  // A queue of connections that wait to be accepted holds some hundreds.
  for (let left = count; left > 0; left -= 200) await Promise.all(Array.from({ length: Math.min(200, left) }, open))
  return () => {
    for (const socket of sockets) socket.on('error', () => {}).destroy()
  }
}
