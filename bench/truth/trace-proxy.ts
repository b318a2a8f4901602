import { createConnection, createServer, type Socket } from 'node:net'
import type { Recording } from '../routing/recordings.ts'
import { rowAt, transferS } from '../routing/session.ts'

/** A link that behaves as one was recorded. */
export interface TraceProxy {
  readonly origin: string
  /** From now on what passes takes as long as it would have from `offsetS` of the recording on. */
  replay(recording: Recording, offsetS: number): void
  /** From now on everything passes at once. */
  free(): void
  close(): Promise<void>
}

/**
 * A TCP proxy in userspace that replays a recording: bytes pass as fast as the recorded rates of their direction let
 * them, and half of the recorded round trip later. What passes at the same time shares the rate, as on a real link.
 */
export async function openTraceProxy(targetPort: number): Promise<TraceProxy> {
  const sockets = new Set<Socket>()
  const link = { recording: undefined as Recording | undefined, startMs: 0, offsetS: 0 }
  const directions = { up: { busyMs: 0, dueMs: 0 }, down: { busyMs: 0, dueMs: 0 } }

  /** When what is sent now has passed. */
  const passesAt = (direction: keyof typeof directions, bytes: number): number => {
    const nowMs = performance.now()
    const { recording, startMs, offsetS } = link
    if (recording === undefined) return nowMs
    const state = directions[direction]
    const fromMs = Math.max(nowMs, state.busyMs)
    const atS = offsetS + (fromMs - startMs) / 1000
    const rates = direction === 'up' ? recording.uplinkBps : recording.downlinkBps
    state.busyMs = fromMs + 1000 * transferS(recording.startS, rates, atS, bytes * 8)
    const halfTripMs = (recording.roundTripMs[rowAt(recording, atS)] ?? 0) / 2
    // What was sent first arrives first, also when the round trip became shorter meanwhile.
    state.dueMs = Math.max(state.dueMs, state.busyMs + halfTripMs)
    return state.dueMs
  }

  const carry = (from: Socket, to: Socket, direction: keyof typeof directions) => {
    const queue: { readonly dueMs: number; readonly pass: () => void }[] = []
    let waiting = false
    const pump = () => {
      waiting = false
      while (queue[0] !== undefined && queue[0].dueMs <= performance.now()) queue.shift()?.pass()
      if (queue[0] === undefined) return
      waiting = true
      setTimeout(pump, Math.max(0, queue[0].dueMs - performance.now()))
    }
    const send = (bytes: number, pass: () => void) => {
      queue.push({ dueMs: passesAt(direction, bytes), pass })
      if (!waiting) pump()
    }
    from.on('data', (chunk) => send(chunk.length, () => to.writable && to.write(chunk)))
    from.on('end', () => send(0, () => to.end()))
    from.on('error', () => to.destroy())
    from.on('close', () => sockets.delete(from))
    sockets.add(from)
  }

  const server = createServer((client) => {
    const target = createConnection(targetPort, '127.0.0.1')
    client.setNoDelay(true)
    target.setNoDelay(true)
    carry(client, target, 'up')
    carry(target, client, 'down')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    origin: `http://localhost:${address.port}`,
    replay(recording, offsetS) {
      Object.assign(link, { recording, startMs: performance.now(), offsetS })
      for (const state of Object.values(directions)) Object.assign(state, { busyMs: 0, dueMs: 0 })
    },
    free() {
      Object.assign(link, { recording: undefined })
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
