import { isInstance } from '../utils/is-instance.ts'
import { sleep } from '../utils/sleep.ts'

/** A simulated network: none, or a slow one. */
export type SimulatedNetwork =
  | 'offline'
  | {
      readonly roundTripMs: number
      /** Both ways. */
      readonly bitsPerSecond: number
    }

type Fetch = typeof globalThis.fetch
type Wait = (ms: number, signal?: AbortSignal) => Promise<void>

const bytesOf = (body: unknown): number => {
  if (typeof body === 'string') return body.length
  if (isInstance(body, 'Blob')) return body.size
  return isInstance(body, 'ArrayBuffer') || ArrayBuffer.isView(body) ? body.byteLength : 0
}

/** Wraps `fetch` with the delays of another network, which add to those of the real one; or with no network at all. */
export function shapeFetch(fetch: Fetch, network: SimulatedNetwork, wait: Wait = sleep): Fetch {
  return async (input, init) => {
    if (network === 'offline') throw new TypeError('This device pretends to be offline.')
    const { roundTripMs, bitsPerSecond } = network
    const transferMs = (bytes: number) => (bytes * 8000) / bitsPerSecond
    const signal = init?.signal ?? undefined
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
