import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A way to a server that can be cut, or made to stall, in the middle of an answer. */
export interface CuttingProxy {
  readonly url: string
  /**
   * Destroys the socket on which the `count`-th server-sent event from now on comes, before that event.
   *
   * @param refuses ends all connections, and takes no more from then on. Default false
   */
  cutAfter(count: number, refuses?: boolean): void
  /** Lets nothing more through of that stream, keeps its socket open, and calls back. */
  stallAfter(count: number, then?: () => void): void
  /** Calls back when that event comes, and lets it through. */
  callAfter(count: number, then: () => void): void
  /** Lets each event wait so long, in milliseconds. */
  pace(ms: number): void
  /** Ends all connections, and takes no more; or takes them again. */
  refuse(refuses: boolean): void
  /** Bytes that the server has sent through it. */
  readonly bytes: number
  /** From now on, connections go to this port. */
  pointTo(port: number): void
  close(): Promise<void>
}

/** What happens at an event. */
interface Due {
  readonly what: 'pass' | 'cut' | 'leave' | 'stall'
  readonly then?: (() => void) | undefined
}

const event = Buffer.from('data: ')

/** Bytes in pieces, each of which begins with an event but for the first. */
function splitAtEvents(bytes: Buffer): readonly Buffer[] {
  const starts: number[] = []
  for (let at = bytes.indexOf(event); at >= 0; at = bytes.indexOf(event, at + event.length)) starts.push(at)
  const ends = [...starts, bytes.length]
  return [bytes.subarray(0, ends[0]), ...starts.map((start, index) => bytes.subarray(start, ends[index + 1]))]
}

/** @param target address of the server behind it */
export async function openCuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let to = Number(port)
  let paceMs = 0
  let refuses = false
  let bytesSent = 0
  let left = Number.POSITIVE_INFINITY
  let happens: Due = { what: 'pass' }
  const after = (count: number, what: Due['what'], then?: () => void) => {
    left = count
    happens = { what, then }
  }
  /** Counts an event. @returns what is due before it is let through */
  const due = (): Due | undefined => {
    if (left > 0) {
      left -= 1
      return undefined
    }
    left = Number.POSITIVE_INFINITY
    return happens
  }

  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((client) => {
    if (refuses) {
      client.destroy()
      return
    }
    const upstream = connect(to, hostname)
    keep(client)
    keep(upstream)
    let isStalled = false
    let passing = Promise.resolve()
    const pass = async (piece: Buffer) => {
      if (isStalled) return
      if (piece.subarray(0, event.length).equals(event)) {
        if (paceMs > 0) await sleep(paceMs)
        const { what = 'pass', then } = due() ?? {}
        then?.()
        refuses ||= what === 'leave'
        isStalled = what === 'stall'
        const ended = what === 'leave' ? [...sockets] : what === 'cut' ? [client] : []
        for (const socket of ended) socket.destroy()
        if (what !== 'pass') return
      }
      if (client.writable) client.write(piece)
    }
    client.on('data', (bytes) => upstream.write(bytes))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => void passing.then(() => isStalled || client.destroy()))
    upstream.on('data', (bytes: Buffer) => {
      bytesSent += bytes.length
      for (const piece of splitAtEvents(bytes)) passing = passing.then(() => pass(piece))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAfter: (count, andRefuses = false) => after(count, andRefuses ? 'leave' : 'cut'),
    stallAfter: (count, then) => after(count, 'stall', then),
    callAfter: (count, then) => after(count, 'pass', then),
    pace(ms) {
      paceMs = ms
    },
    refuse(value) {
      refuses = value
      if (value) for (const socket of sockets) socket.destroy()
    },
    get bytes() {
      return bytesSent
    },
    pointTo(next) {
      to = next
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
