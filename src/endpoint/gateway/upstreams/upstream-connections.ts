import { setImmediate } from 'node:timers/promises'
import { Agent, buildConnector, fetch, type RequestInit, request } from 'undici'
import { tellWriteErrorsLate } from './late-write-errors.ts'
import type { UpstreamAnswer } from './upstream-answer.ts'

/** Milliseconds. A connection that an upstream may be about to close is not used again. */
const times = { connect: 3_000, keepAlive: 4_000, silence: 300_000 }

/** Ways to a gateway's upstreams. */
export interface UpstreamConnections {
  readonly fetch: typeof globalThis.fetch
  /**
   * Posts JSON, and gives the answer as it comes, whatever its status. It takes a millisecond less than `fetch`, whose
   * streams are the web's.
   *
   * @throws what the connection fails with; the signal's reason
   */
  readonly post: (
    url: string,
    options: {
      readonly headers: Readonly<Record<string, string>>
      readonly body: Uint8Array
      readonly signal: AbortSignal
    },
  ) => Promise<UpstreamAnswer>
  readonly close: () => Promise<void>
}

/** A pool of connections of its own: Node's `fetch` has one for the whole process, and no limit for a host. */
export function createUpstreamConnections(connections: number): UpstreamConnections {
  const connect = buildConnector({ timeout: times.connect })
  const dispatcher = new Agent({
    connections,
    connect: (options, done) =>
      connect(options, (...[error, socket]) => {
        // Where it could not be opened there is no socket, whatever the types say of null.
        if (error !== null || !socket) return done(error ?? new Error('there is no connection'), null)
        tellWriteErrorsLate(socket)
        done(null, socket)
      }),
    keepAliveTimeout: times.keepAlive,
    headersTimeout: times.silence,
    bodyTimeout: times.silence,
  })
  const pooled = (input: string, init: RequestInit = {}) => fetch(input, { ...inPieces(init), dispatcher })
  // The package's own types of Request and Response are others than the global ones, and the same at run time.
  const post: UpstreamConnections['post'] = async (url, { headers, body, signal }) => {
    // Nothing here unpacks an answer.
    const own = { ...headers, 'Content-Type': 'application/json', 'Accept-Encoding': 'identity' }
    const sent = inPieces({ body, headers: own })
    const answer = await request(url, { ...sent, method: 'POST', signal, dispatcher } as Parameters<typeof request>[1])
    const { statusCode: status, body: bytes } = answer
    // Nobody may be reading when it is cancelled.
    bytes.on('error', () => {})
    const cancel = () => void bytes.destroy()
    if (status >= 300 && status < 400) {
      cancel()
      throw new Error('the upstream names another address')
    }
    const header = (name: string) => [answer.headers[name]].flat()[0]
    return { status, ok: status >= 200 && status < 300, header, body: bytes, cancel }
  }
  // Not `close()`, which waits for answers that are still coming, however long they are: whoever heard them is gone.
  return { fetch: pooled as unknown as typeof globalThis.fetch, post, close: () => dispatcher.destroy() }
}

/** Bytes that are copied and sent before others get their turn. */
const pieceBytes = 4 * 2 ** 20

/** `fetch` copies a body before it sends it: a large one is given to it piece by piece. */
function inPieces(init: RequestInit): RequestInit {
  const { body, headers } = init
  if (!(body instanceof Uint8Array) || body.length <= pieceBytes) return init
  const pieces = (async function* () {
    for (let from = 0; from < body.length; from += pieceBytes) {
      // What a reader takes as fast as it comes is written at once, one piece after the other.
      if (from > 0) await setImmediate()
      yield body.subarray(from, from + pieceBytes)
    }
  })()
  // With its length, as not every server takes chunks.
  const all = { ...(headers as Record<string, string>), 'Content-Length': String(body.length) }
  return { ...init, body: pieces as never, headers: all, duplex: 'half' } as RequestInit
}
