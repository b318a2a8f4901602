/** A network to pretend: none, or a slow one. */
export type SimulatedNetwork =
  | 'offline'
  | {
      readonly roundTripMs: number
      /** Both ways. */
      readonly bitsPerSecond: number
    }

type Fetch = typeof globalThis.fetch
type Wait = (ms: number, signal: AbortSignal | null | undefined) => Promise<void>

/** @throws the signal's reason when it aborts */
const waitFor: Wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })

const bytesOf = (body: unknown): number => {
  if (typeof body === 'string') return body.length
  if (body instanceof Blob) return body.size
  return body instanceof ArrayBuffer || ArrayBuffer.isView(body) ? body.byteLength : 0
}

/** A `fetch` as it would be on another network: later, or never. What is really slower stays slower. */
export function shapeFetch(fetch: Fetch, network: SimulatedNetwork, wait: Wait = waitFor): Fetch {
  return async (input, init) => {
    if (network === 'offline') throw new TypeError('This device pretends to be offline.')
    const { roundTripMs, bitsPerSecond } = network
    const transferMs = (bytes: number) => (bytes * 8000) / bitsPerSecond
    const signal = init?.signal
    await wait(roundTripMs + transferMs(bytesOf(init?.body)), signal)
    const response = await fetch(input, init)
    const body = response.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        async transform(piece, controller) {
          await wait(transferMs(piece.byteLength), signal)
          controller.enqueue(piece)
        },
      }),
    )
    const { status, statusText, headers } = response
    return body === undefined ? response : new Response(body, { status, statusText, headers })
  }
}
