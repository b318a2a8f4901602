import { Agent, fetch } from 'undici'

/** Milliseconds. A connection that an upstream may be about to close is not used again. */
const times = { connect: 3_000, keepAlive: 4_000, silence: 300_000 }

/** `fetch` with a pool of connections of its own: Node's has one for the whole process, and no limit for a host. */
export function createUpstreamFetch(connections: number): {
  readonly fetch: typeof globalThis.fetch
  readonly close: () => Promise<void>
} {
  const dispatcher = new Agent({
    connections,
    connect: { timeout: times.connect },
    keepAliveTimeout: times.keepAlive,
    headersTimeout: times.silence,
    bodyTimeout: times.silence,
  })
  const pooled = (input: string, init: object) => fetch(input, { ...init, dispatcher })
  // The package's own types of Request and Response are others than the global ones, and the same at run time.
  // Not `close()`, which waits for answers that are still coming, however long they are: whoever heard them is gone.
  return { fetch: pooled as unknown as typeof globalThis.fetch, close: () => dispatcher.destroy() }
}
