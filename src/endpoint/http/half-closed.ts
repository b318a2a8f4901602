import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Milliseconds. A client that ends its side sooner than this after its request is likely to wait for the answer. */
const soonMs = 1_000
/** Milliseconds until a connection is tried again: the first write to one that is gone only makes its other side say so. */
const [againMs, thenMs] = [100, 1_000]

interface UnderWay {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  completeAtMs: number | undefined
}

/**
 * Answers clients that end their side of the connection once their request is sent, as `nc -N` does. One that has closed
 * the connection looks the same, until something is written to it. So while its answer is not there, the interim
 * response `102 Processing` is: a client that waits skips it, and one that has gone answers with a reset, which closes
 * the connection here and ends the work.
 */
export function answerHalfClosed(server: Server): void {
  // Node would end its own side at once. The property is not among its types.
  Object.assign(server, { httpAllowHalfOpen: true })
  const underWay = new Map<Socket, Set<UnderWay>>()

  server.on('connection', (socket: Socket) => {
    const own = new Set<UnderWay>()
    underWay.set(socket, own)
    socket.once('close', () => underWay.delete(socket))
    socket.once('end', () => tryConnection(socket, own))
  })
  server.on('request', (request, response) => {
    const own = underWay.get(request.socket)
    if (own === undefined) return
    const each: UnderWay = { request, response, completeAtMs: undefined }
    request.once('end', () => {
      each.completeAtMs = performance.now()
    })
    // Not by listeners of each response, which has many already.
    for (const other of own) if (isOver(other)) own.delete(other)
    own.add(each)
  })
}

const isOver = ({ response }: UnderWay): boolean => response.writableFinished || response.destroyed
const oldest = (underWay: ReadonlySet<UnderWay>) => [...underWay].find((each) => !isOver(each))

function tryConnection(socket: Socket, underWay: ReadonlySet<UnderWay>): void {
  const first = oldest(underWay)
  if (first === undefined) return
  const sinceMs = performance.now() - (first.completeAtMs ?? performance.now())
  let tries = 0
  let timer: NodeJS.Timeout | undefined
  socket.once('close', () => clearTimeout(timer))
  const next = (ms: number) => {
    timer = setTimeout(() => {
      const waiting = oldest(underWay)
      if (waiting === undefined || socket.destroyed) return
      const { request, response } = waiting
      // HTTP/1.0 knows no interim responses; and once the answer has begun, its own writes find out.
      if (request.httpVersion !== '1.1' || response.headersSent) return
      response.writeProcessing()
      tries += 1
      next(tries === 1 ? againMs : thenMs)
    }, ms)
    timer.unref()
  }
  next(sinceMs < soonMs ? soonMs : 0)
}
