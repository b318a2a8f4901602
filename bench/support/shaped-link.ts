import { createConnection, createServer, type Socket } from 'node:net'

/** A link's rate, the same both ways, and its round trip. */
export interface ShapedLink {
  readonly bitsPerSecond: number
  readonly roundTripMs: number
}

/** Bytes sent for one connection before the next one has its turn, and bytes waiting before the sender is paused. */
const turnBytes = 4_096
const mostWaitingBytes = 65_536
/** So late a timer may be, on a busy machine, without the link losing what it would have sent meanwhile. */
const mostLateMs = 250

interface Flow {
  readonly to: Socket
  readonly from: Socket
  readonly waiting: Buffer[]
  waitingBytes: number
  ended: boolean
}

/** One direction of the link: its connections share the rate in turns, as flows share a bottleneck. */
function createDirection({ bitsPerSecond, roundTripMs }: ShapedLink) {
  const flows: Flow[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let freeAtMs = 0
  let wasIdle = true

  const later = (work: () => void) => setTimeout(work, roundTripMs / 2)
  const finish = (flow: Flow) => {
    flows.splice(flows.indexOf(flow), 1)
    later(() => flow.to.end())
  }
  const send = (): void => {
    timer = undefined
    const flow = flows.shift()
    if (flow === undefined) return
    flows.push(flow)
    const chunk = flow.waiting.shift()
    if (chunk === undefined) {
      if (flow.ended) finish(flow)
    } else {
      const bytes = chunk.subarray(0, turnBytes)
      if (bytes.length < chunk.length) flow.waiting.unshift(chunk.subarray(turnBytes))
      flow.waitingBytes -= bytes.length
      if (flow.waitingBytes < mostWaitingBytes) flow.from.resume()
      const earliestMs = performance.now() - (wasIdle ? 0 : mostLateMs)
      freeAtMs = Math.max(earliestMs, freeAtMs) + (bytes.length * 8_000) / bitsPerSecond
      later(() => flow.to.writable && flow.to.write(bytes))
      if (flow.ended && flow.waiting.length === 0) finish(flow)
      wasIdle = false
    }
    if (flows.every(({ waiting }) => waiting.length === 0)) wasIdle = true
    else {
      const waitMs = freeAtMs - performance.now()
      if (waitMs > 1) timer = setTimeout(send, waitMs)
      else send()
    }
  }

  return (from: Socket, to: Socket) => {
    const flow: Flow = { from, to, waiting: [], waitingBytes: 0, ended: false }
    flows.push(flow)
    from.on('data', (chunk) => {
      flow.waiting.push(chunk)
      flow.waitingBytes += chunk.length
      if (flow.waitingBytes >= mostWaitingBytes) from.pause()
      if (timer === undefined) send()
    })
    from.on('end', () => {
      flow.ended = true
      if (flow.waiting.length === 0 && flows.includes(flow)) finish(flow)
    })
    from.on('error', () => to.destroy())
    to.on('error', () => from.destroy())
    to.on('close', () => flows.includes(flow) && flows.splice(flows.indexOf(flow), 1))
  }
}

/** A TCP proxy that lets pass no more than the link would, in fair turns, and delays it by the link's way. */
export async function openShapedLink(targetPort: number, link: ShapedLink) {
  const sockets = new Set<Socket>()
  const [up, down] = [createDirection(link), createDirection(link)]
  const server = createServer((client) => {
    const target = createConnection(targetPort, '127.0.0.1')
    for (const socket of [client, target]) {
      socket.setNoDelay()
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    up(client, target)
    down(target, client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    origin: `http://localhost:${address.port}`,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
